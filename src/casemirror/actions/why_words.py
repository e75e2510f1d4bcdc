"""What `why` found, in sentences for a person who has little time."""

from __future__ import annotations

import json
from typing import Final

from casemirror.actions.why_values import Decided, Edit, Field, Origin, Sending, Through, Why, cause
from casemirror.mapping.explain import Line
from casemirror.mapping.value import Nothing, json_of
from casemirror.model.plan import Rule
from casemirror.model.values import Json, is_empty

LONGEST: Final = 80
"""Characters of a value inside a sentence."""

RULES: Final = {
    Rule.AGREED: "both sides had the same value",
    Rule.REMOTE_CHANGED: "only {there} had changed it, so its value was taken over here",
    Rule.LOCAL_CHANGED: "only we had changed it, so our value goes to {there}",
    Rule.CONFLICT_LOCAL: "both sides had changed it: ours wins and goes to {there}",
    Rule.CONFLICT_REMOTE: "both sides had changed it: {there} wins, and ours was overwritten",
    Rule.CONFLICT_MERGED: "both sides had changed it: the two changes were put together",
    Rule.CONFLICT_HELD: "both sides had changed it: neither is written until a person decides",
    Rule.STALE_ECHO: "{there} still showed the value from before our push, so it was not believed",
    Rule.LEGACY_DIRTY: "it was edited here once, so {there} never overwrites it (as in XSOAR up to 6.1)",
    Rule.FIRST_TOLD: "{there} told it for the first time while it was edited here: ours stays",
    Rule.OWNED: "it is {note}, so what {there} changed was not taken: ours stays",
    Rule.PROTECTED: "{there} showed it empty, and mirroring never empties this field",
}

DID: Final = {
    "incident.edited": "set it",
    "incident.closed": "closed the incident",
    "incident.reopened": "reopened the incident",
    "conflict.resolved": "decided the conflict",
}
"""What a person did, by the verb of the audit."""


def rule(which: Rule, there: str, note: str = "") -> str:
    """A rule in words; `note` is what the decision kept with it."""
    return RULES[which].format(there=there, note=note or "owned by another instance")


def told(decided: Decided, there: str) -> str:
    """The rule of a decision in words; of a re-mapping also with what and by whom."""
    if not decided.mapper:
        return rule(decided.rule, there, decided.note)
    remapped = f"re-mapped by {decided.mapper} for {decided.actor}"
    if decided.rule is Rule.REMOTE_CHANGED:
        return f"{remapped}, which makes another value of what {there} had said"
    return f"{remapped}: {rule(decided.rule, there)}"


def value(given: Json) -> str:
    """A value inside a sentence."""
    if is_empty(given):
        return "empty"
    text = json.dumps(given, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def verdict(found: Field, answer: Why) -> str:
    """The one sentence that answers: what it is and who made it so."""
    now = f"{found.title} is {value(found.value)}"
    made = cause(found)
    if isinstance(made, Edit):
        before = f" (it was {value(made.old)})" if made.known else ""
        return (
            f"{now} since {_time(made)}: {made.actor} {DID.get(made.verb, made.verb)} here{before}{_won(found, made)}."
        )
    if made is not None:
        through, decided = made
        return f"{now} since {_time(decided)}: {told(decided, through.link.instance_name)}{_taken(decided)}."
    born = f"{answer.incident.created_at:%Y-%m-%d %H:%M:%S} UTC"
    if found.changed_at:
        return f"{now} since {found.changed_at[:19].replace('T', ' ')} UTC; who wrote it was not recorded."
    return f"{now}, as it has been since {answer.creator or 'somebody'} created the incident at {born}."


def _won(found: Field, made: Edit) -> str:
    """Whom a person's value won against since."""
    for known in found.links:
        last = next((d for d in known.decided if d.rule is Rule.CONFLICT_LOCAL and d.at >= made.at), None)
        if last is not None:
            return f"; {known.link.instance_name} had changed it to {value(last.remote)}, and ours won"
    return ""


def _taken(decided: Decided) -> str:
    if decided.rule is Rule.CONFLICT_MERGED:
        return f" (here {value(decided.local)}, there {value(decided.remote)})"
    return f" (it was {value(decided.local)})"


def _time(of: Edit | Decided) -> str:
    return f"{of.at:%Y-%m-%d %H:%M:%S} UTC"


def decision(decided: Decided, there: str) -> str:
    """One decision: when, by which rule, with which values."""
    three = f"agreed before {value(decided.base)}, here {value(decided.local)}, {there} {value(decided.remote)}"
    return f"{_time(decided)}: {told(decided, there)} ({three})"


def payload(decided: Decided) -> str:
    """Which answer of the remote the decision rests on; empty when it needed none."""
    if decided.payload is not None and decided.payload_at:
        return f"what the remote said is payload {decided.payload} of {decided.payload_at:%Y-%m-%d %H:%M:%S} UTC"
    if decided.rule is Rule.LOCAL_CHANGED:
        return ""
    return "what the remote said is not kept any more (mirror.payload.keep)"


def origin(made: Origin, then: Json) -> list[str]:
    """How the mapper came to the value that it gave then."""
    if made.problem:
        return [made.problem]
    told = [f"mapper {made.mapper}, line {line(each)}" for each in made.lines]
    if value(made.result) != value(then):
        told.append(
            f"today the mapper gives {value(made.result)}, then it was {value(then)}: "
            "the mapper was changed, or the value was resolved to a local user or timer"
        )
    return told


def line(made: Line) -> str:
    """One line of a mapper at work: target, source path, what each step made of it."""
    steps = [step for step in made.steps if step.kind != "path"]
    start = next((value(json_of(step.after)) for step in made.steps if step.kind == "path"), "")
    source = f"{made.rule.key!r} ← {made.rule.path or '(no source)'}" + (f" = {start}" if start else "")
    for step in steps:
        after = f"failed: {step.error}" if step.error else value(json_of(step.after))
        if step.kind == "filter":
            source += f" → filter {step.name}: {'passes' if step.after is True else step.error or 'does not pass'}"
        elif step.kind == "cast":
            source += f" → as {step.name}: {after}"
        else:
            source += f" → {step.name}: {after}"
    return source + (f"; left out: {made.warning}" if made.warning else "")


def sending(one: Sending, there: str) -> str:
    """How the field goes out."""
    if one.line is None:
        return f"goes to {there} under its own name, {one.name}"
    gives = "nothing now" if isinstance(one.line.result, Nothing) else value(one.value)
    return f"goes to {there} as {one.name}: mapper {one.mapper}, line {one.name!r} ← {one.line.rule.path}, which gives {gives}"


def standing(known: Through) -> str:
    """How far the field agrees with one remote."""
    link, there = known.link, known.link.instance_name
    if known.conflict:
        return f"{there}: in conflict: there it is {value(known.conflict.remote)}, agreed before {value(known.conflict.base)}"
    if not known.agreed:
        base = f"the remote never told it, so {value(known.base)} counts, as it was when the link was made"
    else:
        base = f"both sides last agreed on {value(known.base)}"
    if known.differs:
        return f"{there}: {base}; here it differs now"
    return f"{there}: {base}" + (f" (remote object {link.remote_id})" if link.remote_id else "")


def sent(known: Through) -> str:
    """What was sent last, as far as it is still known."""
    if known.pushed:
        return f"sent {value(known.pushed.sent)} at {known.pushed.at:%Y-%m-%d %H:%M:%S} UTC (there it was {value(known.pushed.before)})"
    ours = (Rule.LOCAL_CHANGED, Rule.CONFLICT_LOCAL, Rule.CONFLICT_MERGED, Rule.FIRST_TOLD, Rule.OWNED)
    last = next((d for d in known.decided if d.rule in ours), None)
    pushed_at = known.link.last_push_at
    if last is None or pushed_at is None or pushed_at < last.at or known.differs:
        return ""
    return f"sent after the decision of {_time(last)}; the last push of all was at {pushed_at:%Y-%m-%d %H:%M:%S} UTC"


def edit(made: Edit) -> str:
    """One edit by a person."""
    values = f" from {value(made.old)} to {value(made.new)}" if made.known else " (values were not recorded)"
    return f"{_time(made)}: {made.actor} {DID.get(made.verb, made.verb)}" + (
        values if made.verb == "incident.edited" else ""
    )
