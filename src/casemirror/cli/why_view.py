"""How the answer to “why is this field so?” looks on a terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casemirror.cli import output

if TYPE_CHECKING:
    from casemirror.actions.why_values import Decided, Edit, Field, Origin, Sending, Through, Why
    from casemirror.mapping.explain import Line


def as_json(answer: Why) -> dict[str, Any]:
    """All of it, with the sentences."""
    return {
        "incident": str(answer.incident.id),
        "created": answer.incident.created_at,
        "createdBy": answer.creator,
        "fields": [_field(found, answer) for found in answer.fields],
    }


def _field(found: Field, answer: Why) -> dict[str, Any]:
    from casemirror.actions import why_words

    return {
        "field": found.name,
        "title": found.title,
        "value": found.value,
        "changed": found.changed_at,
        "verdict": why_words.verdict(found, answer),
        "born": _origin(found.born) if found.born else None,
        "edits": [_edit(each) for each in found.edits],
        "links": [_through(each) for each in found.links],
    }


def _edit(made: Edit) -> dict[str, Any]:
    values = {"old": made.old, "new": made.new} if made.known else {}
    return {"at": made.at, "actor": made.actor, "verb": made.verb, **values}


def _through(known: Through) -> dict[str, Any]:
    from casemirror.actions import why_words

    conflict = known.conflict
    return {
        "instance": known.link.instance_name,
        "remoteId": known.link.remote_id,
        "direction": known.link.direction.value,
        "base": known.base,
        "agreed": known.agreed,
        "differs": known.differs,
        "unsent": known.unsent,
        "doubted": known.doubted,
        "conflict": {"remote": conflict.remote, "base": conflict.base, "since": conflict.since} if conflict else None,
        "heldReason": known.link.held_reason,
        "errorIn": known.link.error_in,
        "errorOut": known.link.error_out,
        "waits": known.waits,
        "sent": {"before": known.pushed.before, "value": known.pushed.sent, "at": known.pushed.at}
        if known.pushed
        else None,
        "lastPush": known.link.last_push_at,
        "lastSync": known.link.last_sync_at,
        "sendings": [_sending(each) for each in known.sendings],
        "decisions": [
            {**_decided(each), "words": why_words.decision(each, known.link.instance_name)} for each in known.decided
        ],
    }


def _sending(one: Sending) -> dict[str, Any]:
    line = _line(one.line) if one.line else None
    return {"remoteName": one.name, "mapper": one.mapper, "value": one.value, "line": line}


def _decided(made: Decided) -> dict[str, Any]:
    return {
        "at": made.at,
        "rule": made.rule.value,
        "base": made.base,
        "local": made.local,
        "remote": made.remote,
        "payload": made.payload,
        "payloadAt": made.payload_at,
        "origin": _origin(made.origin) if made.origin else None,
        "remappedBy": made.mapper,
    }


def _origin(made: Origin) -> dict[str, Any]:
    lines = [_line(line) for line in made.lines]
    return {"mapper": made.mapper, "result": made.result, "problem": made.problem, "lines": lines}


def _line(line: Line) -> dict[str, Any]:
    from casemirror.cli.mapping_view import section
    from casemirror.mapping.value import json_of

    return {
        "key": line.rule.key,
        "section": section(line.rule.section),
        "path": line.rule.path,
        "result": json_of(line.result),
        "warning": line.warning,
        "steps": [
            {"kind": s.kind, "name": s.name, "before": json_of(s.before), "after": json_of(s.after), "error": s.error}
            for s in line.steps
        ],
    }


def overview(answer: Why) -> None:
    """All mirrored fields, a line for each."""
    from casemirror.actions import why_words

    output.heading(f"#{answer.incident.id}  {answer.incident.name}")
    rows = [(found.name, why_words.verdict(found, answer), _stands(found)) for found in answer.fields]
    output.table(("field", "why", "stands"), rows, empty="no field of it is mirrored; `casemirror doctor` says why")
    if rows:
        output.line(f"casemirror why {answer.incident.id} FIELD tells more")


def _stands(found: Field) -> str:
    told = []
    for known in found.links:
        if known.conflict:
            told.append(f"conflict with {known.link.instance_name}")
        elif known.unsent or known.doubted:
            told.append(f"to be sent to {known.link.instance_name}")
        elif known.differs:
            told.append("stays here")
    return ", ".join(told) or "agreed"


def show(answer: Why) -> None:
    """Everything about the fields, as sentences."""
    for found in answer.fields:
        _show(found, answer)


def _show(found: Field, answer: Why) -> None:
    from casemirror.actions import why_words

    output.heading(f"{found.title} of incident {answer.incident.id}")
    output.line(why_words.verdict(found, answer))
    for line in why_words.origin(found.born, found.value) if found.born else ():
        output.line(f"  of what was fetched then: {line}")
    for known in found.links:
        _show_link(known)
    if found.edits:
        output.line("\nWho changed it here:")
        for made in found.edits[:5]:
            output.line(f"  {why_words.edit(made)}")
    if not found.links:
        output.line("The incident is linked to no other system.")


def _show_link(known: Through) -> None:
    from casemirror.actions import why_words

    there = known.link.instance_name
    output.line(f"\n{why_words.standing(known)}.")
    for wait in known.waits:
        output.line(f"  ! {wait}")
    for made in known.decided:
        output.line(f"  {why_words.decision(made, there)}")
        if words := why_words.payload(made):
            output.line(f"    {words}")
        for line in why_words.origin(made.origin, made.remote) if made.origin else ():
            output.line(f"    {line}")
    for one in known.sendings:
        output.line(f"  It {why_words.sending(one, there)}")
    if words := why_words.sent(known):
        output.line(f"  Last {words}")
