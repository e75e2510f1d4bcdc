"""Points of update-remote-system, tried against a remote."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from casemirror.actions.contract.bench import Bench, again, closed
from casemirror.actions.contract.fetching import remote_of
from casemirror.actions.contract.point import Broken, NotTried, Point, must
from casemirror.actions.contract.polling import FILE, refused, texts
from casemirror.actions.contract.remote import can
from casemirror.mapping import outgoing
from casemirror.model.errors import CasemirrorError, CommandFailed, RateLimited
from casemirror.model.incident import Incident
from casemirror.model.values import Json
from casemirror.runtime import wire
from casemirror.runtime.command import StagedFile
from casemirror.runtime.wire import RemoteData

_NAME: Final = "name"
"""The field of ours that bears the title, in most mappers."""
_SEVERITY: Final = "severity"


def target(bench: Bench) -> str:
    """An object to write to: a new one, or the one of a real remote that may be written to."""
    if bench.remote is not None:
        return bench.remote.create("Written to")
    return bench.may_write


def look(bench: Bench, remote_id: str, since: datetime | None = None) -> RemoteData:
    """The object as a pull tells it."""
    return bench.pull(remote_id, since or bench.earlier(minutes=5))


def incident_of(bench: Bench, remote_id: str) -> Incident:
    """Our incident, as a pull makes it."""
    return bench.local(bench.told(look(bench, remote_id)))


def title_field(bench: Bench, incident: Incident) -> str:
    """The text field of ours that goes out: the name, or another one that comes in and goes out. Raises NotTried."""
    mapper = bench.subject.mapper_out
    readable = outgoing.readable_fields(mapper, incident.type)
    if readable is None or _NAME in readable:
        return _NAME
    title = incident.name
    for name in sorted(readable & incident.fields.keys()):
        if title and incident.fields[name] == title:
            return name
    raise NotTried("the outgoing mapper sends no title")


def retitled(bench: Bench, incident: Incident, title: str) -> tuple[Incident, str]:
    """(the incident with another title, the field that bears it)."""
    name = title_field(bench, incident)
    fields: Mapping[str, Json] = {**incident.fields, name: title, **({_NAME: title} if name != _NAME else {})}
    return replace(incident, fields=fields), name


def edited(bench: Bench, incident: Incident, title: str) -> tuple[Incident, str]:
    """(the incident with something of it changed that goes out, that field): its title, else its severity. Raises NotTried."""
    try:
        return retitled(bench, incident, title)
    except NotTried:
        if _SEVERITY not in (outgoing.readable_fields(bench.subject.mapper_out, incident.type) or ()):
            raise
    value = 1 if incident.get(_SEVERITY) == 3 else 3
    return replace(incident, fields={**incident.fields, _SEVERITY: value}), _SEVERITY


def shown(bench: Bench, remote_id: str, name: str) -> Json:
    """What the remote shows of a field: of the title what people see, of another one what a pull tells."""
    return incident_of(bench, remote_id).get(name) if name == _SEVERITY else shown_title(bench, remote_id)


def shown_title(bench: Bench, remote_id: str) -> str:
    """The title there: as people see it, or as a pull tells it."""
    if can(bench.remote, "title"):
        return remote_of(bench).title(remote_id)
    incident = incident_of(bench, remote_id)
    return str(incident.get(title_field(bench, incident)) or "")


def mirror_tags(bench: Bench) -> tuple[str, ...]:
    """Tags that a fetched incident takes out; without a fetch a word of our own."""
    found = bench.fetch({}) if bench.subject.integration.fetch else []
    return next((each.mirror.tags for each in found if each.mirror.tags), ("comments",))


def is_closed(bench: Bench, remote_id: str) -> bool:
    """Whether it is closed there, as people see it, or as a pull tells it."""
    if can(bench.remote, "is_closed"):
        return remote_of(bench).is_closed(remote_id)
    return any(control.close for control in look(bench, remote_id).controls)


def _writes_fields(bench: Bench) -> None:
    remote_id = target(bench)
    title = f"Written by casemirror check at {bench.clock.now():%H:%M:%S.%f}"
    incident, name = edited(bench, incident_of(bench, remote_id), title)
    answered = bench.push(remote_id, incident, [name])
    must(answered in ("", remote_id), f"it answered the id {answered!r}, and was given {remote_id!r}")
    seen = shown(bench, remote_id, name)
    must(seen == incident.get(name), f"{name} {incident.get(name)!r} was sent, and the remote shows {seen!r}")


def _writes_fields_again(bench: Bench) -> None:
    remote_id = target(bench)
    incident, name = edited(bench, incident_of(bench, remote_id), "Sent twice")
    bench.push(remote_id, incident, [name])
    before = _without_times(bench, remote_id)
    bench.push(remote_id, incident, [name])
    now = _without_times(bench, remote_id)
    other = [key for key in {*before, *now} if before.get(key) != now.get(key)]
    must(not other, f"the second of two equal updates changed {', '.join(sorted(other))}")


def _without_times(bench: Bench, remote_id: str) -> dict[str, Json]:
    return bench.told(look(bench, remote_id))


def _writes_only_what_changed(bench: Bench) -> None:
    """Somebody changed the title there, which is not known here yet; what is sent is a comment."""
    remote_id, remote = target(bench), remote_of(bench)
    incident = incident_of(bench, remote_id)
    remote.change(remote_id, "Newer there")
    bench.push(remote_id, incident, sends=[bench.said("Only this.", mirror_tags(bench)[:1])])
    shown = shown_title(bench, remote_id)
    must(shown == "Newer there", f"only a comment was sent, and the title became {shown!r}: it wrote what is in data")


def _writes_comments(bench: Bench) -> None:
    remote_id, remote = target(bench), remote_of(bench)
    words = "Said here, to be read there."
    bench.push(remote_id, incident_of(bench, remote_id), sends=[bench.said(words, mirror_tags(bench)[:1])])
    count = sum(words in text for text in remote.comments(remote_id))
    must(count == 1, f"a comment was sent, and it stands there {count} times")


def _comments_do_not_come_back(bench: Bench) -> None:
    remote_id = target(bench)
    incident, since = incident_of(bench, remote_id), bench.moment()
    words = f"Said here at {bench.clock.now():%H:%M:%S.%f}."
    bench.push(remote_id, incident, sends=[bench.said(words, mirror_tags(bench)[:1])])
    found = [text for text in texts(look(bench, remote_id, since)) if words in text]
    must(not found, f"what was sent came back as somebody's comment: {found[0] if found else ''!r}")


def _comments_once(bench: Bench) -> None:
    if not bench.subject.integration.resends_safely:
        raise NotTried(
            "it does not declare script.casemirror.resends_safely: after a lost answer, entries are sent again"
        )
    remote_id, remote = target(bench), remote_of(bench)
    incident, sent = incident_of(bench, remote_id), bench.said("Sent twice.", mirror_tags(bench)[:1])
    bench.push(remote_id, incident, sends=[sent])
    bench.push(remote_id, incident, sends=[again(sent)])
    count = sum("Sent twice." in text for text in remote.comments(remote_id))
    must(count == 1, f"the same entry was sent twice, and it stands there {count} times")


def _only_looks(bench: Bench) -> None:
    """An entry that may be there although no search shows it yet: it is looked for, and its absence is told."""
    if not bench.subject.integration.resends_safely:
        raise NotTried("it does not declare script.casemirror.resends_safely")
    remote_id, remote = target(bench), remote_of(bench)
    sent = again(bench.said("Only looked for.", mirror_tags(bench)[:1]), only_look=True)
    args = bench.push_arguments(remote_id, incident_of(bench, remote_id), sends=[sent])
    reply = bench.run("update-remote-system", args)
    wire.parse_push(reply)
    must(not any("Only looked for." in text for text in remote.comments(remote_id)), "it was written")
    unknown = wire.parse_report(reply).unknown
    must(
        sent.entry.label in unknown,
        f"it is not there, and the result has no casemirror.unknown with {sent.entry.label}",
    )


def _only_looks_for_object(bench: Bench) -> None:
    if not bench.subject.integration.creates_safely:
        raise NotTried("it does not declare script.casemirror.creates_safely")
    _if_it_creates(bench)
    incident = bench.local({_NAME: "Only looked for"})
    reply = bench.run("update-remote-system", bench.push_arguments("", incident, only_look=True))
    remote_id = wire.parse_push(reply)
    must(not remote_id, f"{remote_id} was created")
    must(
        wire.parse_report(reply).record == "unknown",
        "it is not there, and the result has no casemirror.record: unknown",
    )


def _push_file(bench: Bench, remote_id: str, times: int = 1) -> None:
    with tempfile.TemporaryDirectory(prefix="casemirror-check-") as folder:
        path = Path(folder, "sent.bin")
        path.write_bytes(FILE)
        sent = bench.said("sent.bin", mirror_tags(bench), path)
        staged = StagedFile(entry_id=sent.entry.label, name="sent.bin", path=path)
        incident = incident_of(bench, remote_id)
        for number in range(times):
            bench.push(remote_id, incident, sends=[again(sent) if number else sent], files=(staged,))


def _writes_files(bench: Bench) -> None:
    remote_id, remote = target(bench), remote_of(bench)
    _push_file(bench, remote_id)
    found = remote.files(remote_id)
    bodies = [body for name, body in found.items() if name.startswith("sent")]
    must(bodies, f"a file was sent, and attached are {', '.join(found) or 'none'}")
    must(bodies == [FILE], "its bytes are not those that were sent")


def _files_do_not_come_back(bench: Bench) -> None:
    remote_id, since = target(bench), bench.moment()
    _push_file(bench, remote_id)
    found = [entry.file_name for entry in look(bench, remote_id, since).entries if entry.has_file]
    must(not found, f"the file that was sent came back as {', '.join(found)}")


def _tells_close(bench: Bench) -> None:
    remote_id = target(bench)
    incident, names = closed(incident_of(bench, remote_id), bench.clock.now())
    bench.push(remote_id, incident, names, status_changed=True)
    must(is_closed(bench, remote_id), "the incident was closed here, and it is open there")


def _tells_reopen(bench: Bench) -> None:
    remote_id, remote = target(bench), remote_of(bench)
    incident = incident_of(bench, remote_id)
    remote.close(remote_id)
    bench.push(remote_id, incident, status_changed=True)
    must(not is_closed(bench, remote_id), "the incident was opened again here, and it is closed there")


def _closes_once(bench: Bench) -> None:
    """After the close of long ago somebody opened it again there; what is sent now is another title."""
    remote_id = target(bench)
    incident, _ = closed(incident_of(bench, remote_id), bench.clock.now())
    incident, name = edited(bench, incident, "Changed after the close")
    bench.push(remote_id, incident, [name])
    must(not is_closed(bench, remote_id), "a field of a closed incident was sent, and it closed there")


def _tells_failure(bench: Bench) -> None:
    remote_id = target(bench)
    incident, name = edited(bench, incident_of(bench, remote_id), "Not written")
    with bench.misbehaving("fail"):
        _must_fail(lambda: bench.push(remote_id, incident, [name]), "every call failed (500)")


def _tells_limit(bench: Bench) -> None:
    remote_id = target(bench)
    incident, name = edited(bench, incident_of(bench, remote_id), "Not written")
    with bench.misbehaving("limit"):
        refused(lambda: bench.push(remote_id, incident, [name]))


def _tells_gone(bench: Bench) -> None:
    remote_id, remote = target(bench), remote_of(bench)
    incident, name = edited(bench, incident_of(bench, remote_id), "Not written")
    remote.delete(remote_id)
    _must_fail(lambda: bench.push(remote_id, incident, [name]), f"there is no {remote_id}")


def _must_fail(call: Callable[[], object], why: str) -> None:
    try:
        call()
    except RateLimited as error:
        raise Broken(f"{why}, and it said that a limit is reached: {error.message}") from error
    except CasemirrorError:
        return
    raise Broken(f"{why}, and the update ended well: what was to be written is taken for written")


def created(bench: Bench) -> tuple[str, Incident]:
    """(id of an object that it created, our incident). Raises NotTried when it creates none."""
    if bench.remote is None:
        raise NotTried("nothing is created at a real remote")
    incident = bench.local({_NAME: "Created by casemirror check", "details": "To be found there.", "severity": 2})
    reply = bench.run("update-remote-system", bench.push_arguments("", incident))
    try:
        remote_id = wire.parse_push(reply)
    except CommandFailed as error:
        if wire.parse_report(reply).record == "none":  # it says outright that it did not, and why
            raise NotTried(f"it creates no objects: {error.message}") from error
        raise
    if not remote_id:
        raise NotTried("it creates no objects: it answered no id")
    return remote_id, incident


def _creates(bench: Bench) -> None:
    remote_id, incident = created(bench) if bench.subject.integration.creates_safely else _if_it_creates(bench)
    data = look(bench, remote_id)
    must(data.object, f"it answered the id {remote_id}, and a pull of it told no object: {data.message}")
    if can(bench.remote, "title") and title_field(bench, incident) == _NAME:
        must(shown_title(bench, remote_id) == incident.name, f"its title is {shown_title(bench, remote_id)!r}")


def _if_it_creates(bench: Bench) -> tuple[str, Incident]:
    try:
        return created(bench)
    except CasemirrorError as error:
        raise NotTried(f"it creates no objects: {error.message}") from error


def _creates_once(bench: Bench) -> None:
    if not bench.subject.integration.creates_safely:
        raise NotTried("it does not declare script.casemirror.creates_safely: after a lost answer a person has to look")
    remote_id, incident = _if_it_creates(bench)
    second = bench.push("", incident)
    must(second == remote_id, f"the same incident was created as {remote_id} and as {second}")


def _does_not_fetch_its_own(bench: Bench) -> None:
    if not bench.subject.integration.fetch:
        raise NotTried("it does not fetch")
    before = bench.last_run
    remote_id, _ = _if_it_creates(bench)
    found = [each.mirror.remote_id for each in bench.fetch(before)]
    must(remote_id not in found, f"{remote_id}, which it created for an incident, was fetched as another one")


def _answers_id(bench: Bench) -> None:
    remote_id = target(bench)
    args = bench.push_arguments(
        remote_id, incident_of(bench, remote_id), sends=[bench.said("For the id.", mirror_tags(bench)[:1])]
    )
    answered = wire.parse_push(bench.run("update-remote-system", args))
    must(answered == remote_id, f"it answered {answered or 'nothing'!r} instead of the id {remote_id!r}")


def _point(
    name: str, rule: str, source: str, advice: str, work: Callable[[Bench], None], *needs: str, real: bool = False
) -> Point:
    return Point(
        name=name,
        rule=rule,
        source=source,
        advice=advice,
        work=work,
        flag="mirror_out",
        needs=needs,
        real=real,
        writes=real,
    )


_NOT_SWALLOW: Final = "do not swallow the exception: give it to return_error(), and casemirror sends again"

POINTS: Final = (
    _point(
        "push.fields",
        "an update writes what changed",
        "mirroring.md §1.7; MIR-146",
        "write the keys of delta to the object",
        _writes_fields,
        real=True,
    ),
    _point(
        "push.id",
        "an update answers the object's id",
        "mirroring.md §1.7; MIR-060",
        "return the remote id as text, also when nothing was to be written",
        _answers_id,
        real=True,
    ),
    _point(
        "push.delta",
        "an update writes nothing but what changed",
        "mirroring.md §1.7, §7 no. 11",
        "write delta; data is there to be looked at",
        _writes_only_what_changed,
        "change",
        "title",
    ),
    _point(
        "push.twice",
        "an update that is repeated changes nothing more",
        "mirroring.md §2.7",
        "write values, not differences",
        _writes_fields_again,
        real=True,
    ),
    _point(
        "push.comments",
        "an update writes entries, each once",
        "mirroring.md §3.6; MIR-162",
        "write each of entries as a comment",
        _writes_comments,
        "comments",
    ),
    _point(
        "push.echo",
        "what was written does not come back as news",
        "mirroring.md §3.4; MIR-178",
        "end it with a mark (“via casemirror [ref …]”), and leave own comments with that mark out of get-remote-data",
        _comments_do_not_come_back,
        real=True,
    ),
    _point(
        "push.resend",
        "an entry of uncertain outcome is not doubled",
        "mirroring.md §2.7",
        "when an entry's casemirror.uncertain is true, look for its casemirror.reference before you write it",
        _comments_once,
        "comments",
    ),
    _point(
        "push.look",
        "an entry that is only to be looked for is not written",
        "docs/integrations.md, additions",
        "when an entry's casemirror.only_look is true and it is not found, put its id into casemirror.unknown of a result",
        _only_looks,
        "comments",
    ),
    _point(
        "push.files",
        "an update attaches files, byte by byte",
        "mirroring.md §3.7; MIR-169",
        "read demisto.getFilePath(entry id)['path'] in binary",
        _writes_files,
        "files",
    ),
    _point(
        "push.files.echo",
        "a file that was written does not come back",
        "mirroring.md §3.4; MIR-167, §7 no. 3",
        "leave out files that the integration's own user attached",
        _files_do_not_come_back,
        "files",
    ),
    _point(
        "push.close",
        "closing here closes there",
        "mirroring.md §3.5; MIR-153",
        "close when status is 2 and a closing name is in delta; a parameter may be off",
        _tells_close,
        "is_closed",
    ),
    _point(
        "push.reopen",
        "opening again here opens again there",
        "mirroring.md §3.5.9; MIR-155",
        "open it when status is 1, incidentChanged is true and it is closed there",
        _tells_reopen,
        "close",
        "is_closed",
    ),
    _point(
        "push.close.once",
        "a later update of a closed incident does not close",
        "mirroring.md §1.7, §7 no. 45; MIR-154",
        "look for closeReason, closeNotes or closingUserId in delta, not at status alone",
        _closes_once,
        "is_closed",
    ),
    _point(
        "push.failure",
        "an update that fails is an error",
        "mirroring.md §1.2, §7 no. 36; MIR-144",
        _NOT_SWALLOW,
        _tells_failure,
        "fail",
    ),
    _point(
        "push.limit",
        "an update that is refused says “API rate limit”",
        "mirroring.md §1.2; MIR-159",
        'return_error("API rate limit") when the remote answers 429',
        _tells_limit,
        "limit",
    ),
    _point(
        "push.gone",
        "an update of what was deleted is an error",
        "mirroring.md §2.8",
        _NOT_SWALLOW,
        _tells_gone,
        "delete",
    ),
    _point(
        "push.create",
        "without an id it creates the object",
        "mirroring.md §2.8; MIR-179, MIR-180",
        'create it from data, and return its id; return "" when the remote cannot do that',
        _creates,
        "create",
    ),
    _point(
        "push.create.once",
        "a creation that is repeated creates nothing more",
        "mirroring.md §2.8; MIR-182",
        "write data's reference into the object, and look for it first",
        _creates_once,
        "create",
    ),
    _point(
        "push.create.look",
        "an object that is only to be looked for is not created",
        "docs/integrations.md, additions",
        "when the arguments' casemirror.only_look is true and it is not found, answer casemirror.record: unknown, and no id",
        _only_looks_for_object,
        "create",
    ),
    _point(
        "push.create.echo",
        "what it created is not fetched",
        "mirroring.md §2.8",
        "leave what the integration's own user created out of the fetch",
        _does_not_fetch_its_own,
        "create",
    ),
)
"""In the order in which they are tried."""
