"""Points of get-modified-remote-data and get-remote-data, tried against a remote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from casemirror.actions.contract.bench import Bench
from casemirror.actions.contract.fetching import remote_of
from casemirror.actions.contract.point import Broken, NotTried, Point, must
from casemirror.actions.contract.remote import can
from casemirror.model.errors import CasemirrorError, PollSkipped, RateLimited, RemoteGone
from casemirror.model.values import ZERO_TIME
from casemirror.runtime.command import Ending
from casemirror.runtime.wire import RemoteData

MANY: Final = 120
"""Tickets that change at once: more than the hundred that remotes like to put on one page."""
_MEANWHILE: Final = 2
"""Objects of a real remote that may well have changed between two polls."""
FILE: Final = bytes(range(256)) * 4
"""What is attached: every byte there is."""


def _answers(bench: Bench) -> None:
    answer = bench.poll(bench.earlier(minutes=1))
    if answer.not_implemented:
        raise NotTried("it is not implemented; every object is pulled in every cycle instead")
    must(answer.kind in ("ids", "data"), f"neither ids nor data, but {answer.text or 'nothing at all'}")
    must(not answer.warnings, "; ".join(answer.warnings))


def is_polled(bench: Bench) -> None:
    """Raise NotTried when there is no poll."""
    answer = bench.poll(bench.earlier(minutes=1))
    if answer.not_implemented or answer.kind == "silent":
        raise NotTried("get-modified-remote-data is not implemented")


def _scene(bench: Bench) -> tuple[datetime, dict[str, str]]:
    """(a time, what was done after it → the ticket to which it was done); done once for all points that look at it."""
    if "scene" not in bench.memory:
        remote = remote_of(bench)
        does: dict[str, Callable[[str], object]] = {
            "change": lambda remote_id: remote.change(remote_id, "Changed"),
            "comment": lambda remote_id: remote.comment(remote_id, "Somebody says something."),
            "attach": lambda remote_id: remote.attach(remote_id, "polled.bin", FILE),
            "close": remote.close,
        }
        made = {what: remote.create(f"To {what}") for what in does if can(remote, what)}
        since = bench.moment()
        bench.moment()
        for what, remote_id in made.items():
            does[what](remote_id)
        bench.memory["scene"] = since, made
    found: tuple[datetime, dict[str, str]] = bench.memory["scene"]
    return found


def _names_after(what: str, words: str) -> Callable[[Bench], None]:
    def names(bench: Bench) -> None:
        is_polled(bench)
        since, made = _scene(bench)
        must(made[what] in bench.named(since), f"{words}, and a poll since before did not name {made[what]}")

    return names


def _names_what_changed_at_once(bench: Bench) -> None:
    """What changed in the very second (or whatever the remote counts in) of lastUpdate."""
    is_polled(bench)
    remote = remote_of(bench)
    remote_id = remote.create("Changed at once")
    since = bench.moment()
    remote.change(remote_id, "Changed at the time of the poll before")
    must(remote_id in bench.named(since), f"{remote_id} changed in the second of lastUpdate, and was not named")


def _names_only_what_changed(bench: Bench) -> None:
    is_polled(bench)
    remote_id = remote_of(bench).create("Not changed")
    named = bench.named(bench.moment() + timedelta(hours=1))
    must(remote_id not in named, f"{remote_id} was named by a poll from a time after its last change")


def _reads_time(bench: Bench) -> None:
    is_polled(bench)
    if bench.remote is None:
        _reads_one_time_alike(bench)
        return
    remote_id = remote_of(bench).create("Any zone")
    before, later = bench.earlier(minutes=30), bench.earlier(minutes=-30)
    for text in (_in_zone(before, 5), _in_zone(before, -5), f"{before:%Y-%m-%dT%H:%M:%SZ}"):
        must(remote_id in bench.named(text), f"lastUpdate {text} is half an hour ago, and {remote_id} was not named")
    text = _in_zone(later, -5)
    must(remote_id not in bench.named(text), f"lastUpdate {text} is in half an hour, and {remote_id} was named")


def _reads_one_time_alike(bench: Bench) -> None:
    """At a real remote: what changed since yesterday is the same, however yesterday is written."""
    since = bench.earlier(days=1)
    first = bench.named(since)
    for text in (_in_zone(since, 5), _in_zone(since, -5)):
        other = first ^ bench.named(text)
        must(
            len(other) <= _MEANWHILE,
            f"lastUpdate {text} names {len(other)} objects differently than the same time in UTC",
        )


def _in_zone(at: datetime, hours: int) -> str:
    """As a server in another zone writes it.   Source: mirroring.md §1.5."""
    return at.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="microseconds")


def _names_all(bench: Bench) -> None:
    is_polled(bench)
    remote = remote_of(bench)
    since = bench.moment()
    bench.moment()
    made = {remote.create(f"One of many, {number}") for number in range(MANY)}
    left = made - bench.named(since)
    must(not left, f"{MANY} changed, and {len(left)} of them were not named: they come only once they change again")


def _poll_tells_failure(bench: Bench) -> None:
    is_polled(bench)
    with bench.misbehaving("fail"):
        try:
            answer = bench.poll(bench.earlier(minutes=1))
        except (PollSkipped, RateLimited):
            return
    must(
        answer.kind == "error", "every call failed (500), and it answered that nothing changed: those changes are lost"
    )
    raise Broken(f"the error has no “skip update”: some servers pull everything then, for ever ({answer.text})")


def _poll_tells_limit(bench: Bench) -> None:
    is_polled(bench)
    with bench.misbehaving("limit"):
        refused(lambda: bench.poll(bench.earlier(minutes=1)))


def refused(call: Callable[[], object]) -> None:
    """The call must say that the remote's limit is reached."""
    try:
        call()
    except RateLimited:
        return
    except CasemirrorError as error:
        raise Broken(
            f"the remote refused calls (429), and the error does not say “API rate limit”: {error.message}"
        ) from error
    raise Broken("the remote refused calls (429), and the command ended well")


def some_id(bench: Bench) -> str:
    """An object to look at: a new one, or at a real remote one that the fetch or the poll tells."""
    if bench.remote is not None:
        return bench.remote.create("Pulled")
    if bench.may_write:
        return bench.may_write
    found = [each.mirror.remote_id for each in bench.fetch({})] if bench.subject.integration.fetch else []
    named = [] if found else sorted(bench.named(bench.earlier(days=30)))
    if not (found or named):
        raise NotTried("the remote shows no object")
    return (found or named)[0]


def _tells_object(bench: Bench) -> None:
    data = bench.pull(some_id(bench), bench.earlier(minutes=5))
    must(not data.message, f"it answered a message: {data.message}")
    must(data.object, "it answered no object")
    must(not data.warnings, "; ".join(data.warnings))
    must(bench.told(data), "the incoming mapper found nothing in the object")


def _tells_fields(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id = remote.create("Before")
    since = bench.moment()
    remote.change(remote_id, "After")
    told = bench.told(bench.pull(remote_id, since))
    must("After" in told.values(), f"the title became “After”, and the mapped fields are {', '.join(told) or 'none'}")


def texts(data: RemoteData) -> list[str]:
    """What the entries of a pull say."""
    return [entry.contents for entry in data.entries if not entry.has_file]


def _tells_comments(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id, words = remote.create("Talked about"), "A word to be mirrored."
    since = bench.moment()
    remote.comment(remote_id, words)
    count = sum(words in text for text in texts(bench.pull(remote_id, since)))
    must(count == 1, f"somebody commented, and it came {count} times")
    count = sum(words in text for text in texts(bench.pull(remote_id, bench.moment())))
    must(count == 0, "the comment came again by a pull since a time after it")


def _tells_files(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id = remote.create("With a file")
    since = bench.moment()
    remote.attach(remote_id, "mirrored.bin", FILE)
    found = [entry for entry in bench.pull(remote_id, since).entries if entry.has_file]
    must(len(found) == 1, f"somebody attached a file, and {len(found)} came")
    must(found[0].file_name == "mirrored.bin", f"its name is {found[0].file_name!r} instead of 'mirrored.bin'")
    must(Path(found[0].file_path).read_bytes() == FILE, "its bytes are not those that were attached")


def _tells_close(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id = remote.create("Closed there")
    must(
        not any(c.close for c in bench.pull(remote_id, bench.earlier(minutes=1)).controls),
        "it is open, and a close was told",
    )
    since = bench.moment()
    remote.close(remote_id)
    controls = bench.pull(remote_id, since).controls
    must(any(c.close for c in controls), "it was closed there, and no entry with dbotIncidentClose came")


def _tells_reopen(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id = remote.create("Opened again there")
    remote.close(remote_id)
    since = bench.moment()
    remote.reopen(remote_id)
    controls = bench.pull(remote_id, since).controls
    must(not any(c.close for c in controls), "it was opened again there, and a close was told")
    must(controls, "it was opened again there, and no entry with dbotIncidentReopen came")


def _reads_pull_time(bench: Bench) -> None:
    remote = remote_of(bench)
    remote_id, words = remote.create("Any zone"), "Said just now."
    bench.moment()  # what is said while a ticket is opened is its description, to some
    remote.comment(remote_id, words)
    before, later = bench.earlier(minutes=30), bench.earlier(minutes=-30)
    for text in (_in_zone(before, 5), _in_zone(before, -5)):
        found = texts(bench.pull(remote_id, text))
        must(
            any(words in each for each in found),
            f"lastUpdate {text} is half an hour ago, and a comment of now did not come",
        )
    text = _in_zone(later, -5)
    found = texts(bench.pull(remote_id, text))
    must(not any(words in each for each in found), f"lastUpdate {text} is in half an hour, and a comment of now came")


def _takes_the_zero_time(bench: Bench) -> None:
    data = bench.pull(some_id(bench), ZERO_TIME)
    must(data.object or data.entries, f"lastUpdate {ZERO_TIME} gave nothing: {data.message or 'no object, no entry'}")


def _says_what_is_gone(bench: Bench) -> None:
    remote_id = _gone(bench)
    try:
        data = bench.pull(remote_id, bench.earlier(minutes=1))
    except RemoteGone:
        return
    except CasemirrorError as error:
        must(bench.calls[-1].ending is Ending.NORMAL, "the exception got out of the script")
        raise Broken(f"it failed in words that do not say that {remote_id} is not there: {error.message}") from error
    must(data.message, f"there is no {remote_id}, and it answered as if nothing had changed")
    raise Broken(f"the words do not say that {remote_id} is not there: {data.message}")


def _gone(bench: Bench) -> str:
    """Id of an object that is not there: deleted, or well formed and never there."""
    remote = remote_of(bench)
    remote_id = remote.create("Deleted")
    remote.delete(remote_id)
    return remote_id


def _pull_tells_failure(bench: Bench) -> None:
    remote_id = some_id(bench)
    with bench.misbehaving("fail"):
        try:
            data = bench.pull(remote_id, bench.earlier(minutes=1))
        except RemoteGone as error:
            raise Broken(f"every call failed (500), and it said that {remote_id} is gone: {error.message}") from error
        except CasemirrorError:
            return
    must(data.failed, "every call failed (500), and it answered as if nothing had changed: what changed is lost")


def _pull_tells_limit(bench: Bench) -> None:
    remote_id = some_id(bench)
    with bench.misbehaving("limit"):
        refused(lambda: bench.pull(remote_id, bench.earlier(minutes=1)))


def _is_quiet(bench: Bench) -> None:
    remote_id = some_id(bench)
    data = bench.pull(remote_id, bench.moment())
    must(not data.entries, f"nothing was said since, and {len(data.entries)} entries came")
    if isinstance(data.object, Mapping):
        must(not data.object.get("in_mirror_error"), f"in_mirror_error: {data.object.get('in_mirror_error')}")


def _point(
    name: str, rule: str, source: str, advice: str, work: Callable[[Bench], None], *needs: str, real: bool = False
) -> Point:
    return Point(
        name=name, rule=rule, source=source, advice=advice, work=work, flag="mirror_in", needs=needs, real=real
    )


_SINCE: Final = "ask the remote for everything with its time of change ≥ lastUpdate"
_ALSO: Final = "ask for comments and files by their own times, too, when they leave the object's time of change alone"
_UTC: Final = "parse lastUpdate with its offset, and convert it to UTC (or to the remote's zone) before you format it"

POINTS: Final = (
    _point(
        "poll.answer",
        "a poll answers with ids or objects",
        "mirroring.md §1.5; MIR-045",
        "return GetModifiedRemoteDataResponse(ids), also for no ids; or raise NotImplementedError",
        _answers,
        real=True,
    ),
    _point(
        "poll.fields",
        "a poll names what somebody changed",
        "mirroring.md §1.5; MIR-083",
        _SINCE,
        _names_after("change", "its title changed"),
        "change",
    ),
    _point(
        "poll.comments",
        "a poll names what somebody commented on",
        "mirroring.md §1.5",
        _ALSO,
        _names_after("comment", "somebody commented"),
        "comment",
    ),
    _point(
        "poll.files",
        "a poll names what a file was attached to",
        "mirroring.md §1.5",
        _ALSO,
        _names_after("attach", "a file was attached"),
        "attach",
    ),
    _point(
        "poll.close",
        "a poll names what was closed",
        "mirroring.md §1.5",
        "do not ask for open objects alone",
        _names_after("close", "it was closed"),
        "close",
    ),
    _point(
        "poll.edge",
        "a poll names what changed at the very time of lastUpdate",
        "mirroring.md §2.4, §7 no. 17; MIR-063",
        "ask with ≥, not with >: lastUpdate may be the second in which it changes once more",
        _names_what_changed_at_once,
        "change",
    ),
    _point(
        "poll.since",
        "a poll names only what changed since",
        "mirroring.md §1.5",
        _SINCE,
        _names_only_what_changed,
        "create",
    ),
    _point(
        "poll.zones",
        "a poll understands the time in every zone",
        "mirroring.md §1.5, §7 no. 22; MIR-022",
        _UTC,
        _reads_time,
        "create",
        real=True,
    ),
    _point(
        "poll.failure",
        "a poll that fails says “skip update”",
        "mirroring.md §1.2, §2.4; MIR-064, MIR-068",
        "give the exception to return_error(), which puts the words in front in this command",
        _poll_tells_failure,
        "fail",
    ),
    _point(
        "poll.limit",
        "a poll that is refused says “API rate limit”",
        "mirroring.md §1.2, §2.4; MIR-065",
        'return_error("API rate limit") when the remote answers 429',
        _poll_tells_limit,
        "limit",
    ),
    _point(
        "pull.object",
        "a pull tells the object",
        "mirroring.md §1.6; MIR-050",
        "return GetRemoteDataResponse(object, entries), the object in the form that fetch-incidents gives it",
        _tells_object,
        real=True,
    ),
    _point(
        "pull.fields",
        "a pull tells what changed, under mapped names",
        "mirroring.md §1.6, §4.3; MIR-095",
        "map the field in the incoming mapper",
        _tells_fields,
        "change",
    ),
    _point(
        "pull.comments",
        "a pull tells each comment once",
        "mirroring.md §1.6; MIR-050",
        "give those with their time ≥ lastUpdate as entries",
        _tells_comments,
        "comment",
    ),
    _point(
        "pull.files",
        "a pull brings files, byte by byte",
        "mirroring.md §1.6; MIR-056",
        "fileResult(name, bytes) among the entries",
        _tells_files,
        "attach",
    ),
    _point(
        "pull.close",
        "a pull tells a close",
        "mirroring.md §4.5; MIR-122",
        'an entry with Contents {"dbotIncidentClose": True, "closeReason": …, "closeNotes": …}; its parameter may be off',
        _tells_close,
        "close",
    ),
    _point(
        "pull.reopen",
        "a pull tells a reopening",
        "mirroring.md §4.5, §7 no. 25; MIR-126",
        'an entry with Contents {"dbotIncidentReopen": True} whenever the object is open; servers ignore it when nothing changed',
        _tells_reopen,
        "close",
        "reopen",
    ),
    _point(
        "pull.quiet",
        "a pull without news brings no entries",
        "mirroring.md §1.6; MIR-052",
        "leave out what is older than lastUpdate",
        _is_quiet,
        real=True,
    ),
    _point(
        "pull.zones",
        "a pull understands the time in every zone",
        "mirroring.md §1.5, §7 no. 22; MIR-022",
        _UTC,
        _reads_pull_time,
        "comment",
    ),
    _point(
        "pull.zero",
        "a pull takes the first lastUpdate that XSOAR passes",
        "mirroring.md §1.6, §7 no. 4; MIR-089",
        "take year 1 for the beginning of time: not all libraries can compute with it",
        _takes_the_zero_time,
        real=True,
    ),
    _point(
        "pull.gone",
        "a pull of what was deleted says so",
        "mirroring.md §2.8; MIR-053, MIR-098",
        'return the text f"Ticket {id} was not found." or raise with these words, when the remote answers 404',
        _says_what_is_gone,
        "delete",
    ),
    _point(
        "pull.failure",
        "a pull that fails is an error",
        "mirroring.md §1.2, §2.5; MIR-088",
        "let the exception go to return_error(), or return the object {id, in_mirror_error}",
        _pull_tells_failure,
        "fail",
    ),
    _point(
        "pull.limit",
        "a pull that is refused says “API rate limit”",
        "mirroring.md §1.2, §2.5; MIR-084",
        'return_error("API rate limit") when the remote answers 429',
        _pull_tells_limit,
        "limit",
    ),
)
"""In the order in which they are tried."""

LAST: Final = (
    _point(
        "poll.pages",
        f"a poll names all of {MANY} that changed at once",
        "mirroring.md §2.4, §7 no. 5; MIR-083",
        "follow the pages of the answer to their end",
        _names_all,
        "create",
    ),
)
"""Tried after all others: it leaves many tickets behind."""
