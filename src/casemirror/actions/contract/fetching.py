"""Points of fetch-incidents, test-module and get-mapping-fields, tried against a remote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from casemirror.actions.contract.bench import INSTANCE, Bench, Fetched
from casemirror.actions.contract.point import Broken, NotTried, Point, must
from casemirror.actions.contract.remote import Remote
from casemirror.mapping import compiled
from casemirror.model.errors import CasemirrorError, CommandFailed
from casemirror.model.incident import CLOSE_FIELDS
from casemirror.runtime import wire

FIRST: Final = "test.ok"
"""The point without which no other one can be tried."""
_LIMITS: Final = ("max_fetch", "fetch_limit", "limit", "max_incidents", "maxFetch", "max_fetch_incidents")
_ROUNDS: Final = 60
"""Fetches after which everything that was there must have come."""
_FEW: Final = 5
_LIMIT: Final = 2
_ENGINE_KEYS: Final = frozenset({*CLOSE_FIELDS, "owner", "casemirror_reference"})


def remote_of(bench: Bench) -> Remote:
    """The remote; points that need one are tried only with one."""
    if bench.remote is None:
        raise NotTried("there is no simulator")
    return bench.remote


def count_of(remote_id: str, found: list[Fetched]) -> int:
    """How often a ticket was fetched; one that no mapper names is known by a value of its object."""
    return sum(_is(each, remote_id) for each in found)


def _is(fetched: Fetched, remote_id: str) -> bool:
    named = fetched.mirror.remote_id
    return named == remote_id if named else remote_id in map(str, fetched.event.values())


def drained(bench: Bench) -> Any:
    """Fetch until nothing new comes; the lastRun of then. Raises Broken when that does not end."""
    last: Any = {}
    for _ in range(_ROUNDS):
        bench.last_run = last
        if not bench.fetch():
            return bench.last_run
        last = bench.last_run
    raise Broken(f"after {_ROUNDS} fetches there was still something new, although nothing was created")


def after(bench: Bench, last_run: Any) -> tuple[list[Fetched], Any]:
    """(what a fetch from this lastRun gives, the lastRun that it sets)."""
    bench.last_run = last_run
    return bench.fetch(), bench.last_run


def _says_ok(bench: Bench) -> None:
    wire.parse_test(bench.run("test-module"))


def _refuses_wrong_secrets(bench: Bench) -> None:
    wrong = {name: _wrong(value) for name, value in bench.params.items() if _holds_secret(bench, name)}
    if not wrong:
        raise NotTried("the instance has no secret")
    reply = bench.run("test-module", params={**bench.params, **wrong})
    try:
        wire.parse_test(reply)
    except CommandFailed:
        must(
            "Traceback" not in wire.error_text(reply), "the exception got out of the script: people read its traceback"
        )
    else:
        raise Broken("it said ok, although the secrets were wrong")


def _holds_secret(bench: Bench, name: str) -> bool:
    parameter = bench.subject.integration.param(name)
    return parameter is not None and parameter.is_secret and bool(bench.params.get(name))


def _wrong(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {**value, "password": "certainly-wrong"}
    return "certainly-wrong"


def _gives_incidents(bench: Bench) -> None:
    if bench.remote is not None:
        bench.remote.create("Looked at by casemirror check")
    found = bench.fetch({})
    if not found:
        raise NotTried("the fetch gave nothing")
    for each in found:
        _is_incident(each)


def _is_incident(each: Fetched) -> None:
    raw = each.raw
    must(isinstance(raw.get("name"), str) and raw["name"], f"an incident without a name: {wire.shown(raw, 300)}")
    must(isinstance(raw.get("rawJSON", ""), str), f"rawJSON of {raw['name']!r} is no text; json.dumps() makes one")
    must(isinstance(each.event, Mapping), f"rawJSON of {raw['name']!r} is no JSON object")
    if "rawJSON" in raw:
        must(_is_json_object(raw["rawJSON"]), f"rawJSON of {raw['name']!r} is no JSON object")
    occurred = raw.get("occurred")
    must(occurred is None or wire.parse_occurred(occurred), f"occurred of {raw['name']!r} is no time: {occurred!r}")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _says_how_to_mirror(bench: Bench) -> None:
    found = bench.fetch({})
    if not found:
        raise NotTried("the fetch gave nothing")
    for each in found:
        mirror, name = each.mirror, each.fields.get("name")
        must(mirror.remote_id, f"{name!r} has no dbotMirrorId")
        must(mirror.instance, f"{name!r} has no dbotMirrorInstance")
        must(
            mirror.instance == INSTANCE, f"dbotMirrorInstance is {mirror.instance!r}, and the instance is {INSTANCE!r}"
        )
        must(mirror.direction, f"{name!r} has no dbotMirrorDirection of In, Out or Both")


def _keeps_the_limit(bench: Bench) -> None:
    name = next((each for each in _LIMITS if bench.subject.integration.param(each)), None)
    if name is None:
        raise NotTried(f"it has no parameter named {', '.join(_LIMITS[:3])}")
    if bench.remote is None:
        count = len(
            wire.parse_fetch(bench.run("fetch-incidents", params={**bench.params, name: str(_LIMIT)}, last_run={}))
        )
        must(count <= _LIMIT, f"the limit was {_LIMIT}, and one fetch gave {count}")
        return
    remote, last = remote_of(bench), drained(bench)
    made = [remote.create(f"Limited {number}") for number in range(_FEW)]
    bench.params = {**bench.params, name: str(_LIMIT)}
    try:
        _few_at_a_time(bench, made, last)
    finally:
        bench.params = {**bench.params, name: str(_ROUNDS)}


def _few_at_a_time(bench: Bench, made: list[str], last: Any) -> None:
    counts: Counter[str] = Counter()
    for _ in range(_FEW + 1):
        found, last = after(bench, last)
        must(len(found) <= _LIMIT, f"the limit was {_LIMIT}, and one fetch gave {len(found)}")
        counts.update({each: count_of(each, found) for each in made})
    lost = sum(not counts[each] for each in made)
    must(not lost, f"of {_FEW} created at once {lost} never came, with a limit of {_LIMIT}")
    must(max(counts.values()) == 1, f"{counts.most_common(1)[0][0]} came {max(counts.values())} times")


def some(bench: Bench) -> tuple[list[str], Any]:
    """(ids that the first fetch from a real remote gives, the lastRun that it sets). Raises NotTried for none."""
    found, last = after(bench, {})
    ids = [each.mirror.remote_id for each in found if each.mirror.remote_id]
    if not ids:
        raise NotTried("the fetch gave nothing")
    return ids, last


def _repeats_nothing(bench: Bench) -> None:
    if bench.remote is None:
        ids, last = some(bench)
        twice = {*ids} & {each.mirror.remote_id for each in after(bench, last)[0]}
        must(not twice, f"the second fetch gave again {', '.join(sorted(twice)[:5])}")
        return
    remote, last = remote_of(bench), drained(bench)
    made = remote.create("Fetched once")
    found, following = after(bench, last)
    must(count_of(made, found), f"{made} was created and did not come")
    again, _ = after(bench, following)
    must(not count_of(made, again), f"{made} came again at the next fetch")


def _loses_nothing(bench: Bench) -> None:
    """Two tickets of one second, the second one created between the fetches; and one after a fetch that gave nothing."""
    remote, last = remote_of(bench), drained(bench)
    bench.moment()
    first = remote.create("First of a second")
    found, last = after(bench, last)
    second = remote.create("Second of a second")
    must(count_of(first, found), f"{first} was created and did not come")
    found, last = after(bench, last)
    must(
        count_of(second, found),
        f"{second}, created in the second of the last fetch, did not come: the cursor ran ahead",
    )
    _, last = after(bench, last)
    third = remote.create("After an empty fetch")
    found, _ = after(bench, last)
    must(
        count_of(third, found), f"{third}, created after a fetch that gave nothing, did not come: the cursor ran ahead"
    )


def _can_be_repeated(bench: Bench) -> None:
    if bench.remote is None:
        first, second = set(some(bench)[0]), set(some(bench)[0])
        must(first <= second, f"the second fetch from one lastRun did not give {', '.join(sorted(first - second)[:5])}")
        return
    remote, last = remote_of(bench), drained(bench)
    made = remote.create("Fetched again")
    for which in ("first", "second"):
        found, _ = after(bench, last)
        must(count_of(made, found), f"the {which} fetch from one lastRun did not give {made}")


def _failure_is_an_error(bench: Bench) -> None:
    with bench.misbehaving("fail"):
        reply = bench.run("fetch-incidents")
    must(wire.error_text(reply), "every call failed (500), and the fetch ended well: nobody would know")


def _tells_its_fields(bench: Bench) -> None:
    schema = wire.parse_schema(bench.run("get-mapping-fields"))
    must(schema, "it answered no fields")
    for name, fields in schema.items():
        must(isinstance(fields, Mapping) and fields, f"{name}: fields expected, as {{field: description}}")


def _tells_mapped_fields(bench: Bench) -> None:
    mapper = bench.subject.mapper_out
    if mapper is None:
        raise NotTried("it has no outgoing mapper")
    try:
        schema = wire.parse_schema(bench.run("get-mapping-fields"))
    except CasemirrorError as error:
        raise NotTried(error.message) from error
    told = {str(name) for fields in schema.values() if isinstance(fields, Mapping) for name in fields}
    written = {rule.key for section in mapper.sections for rule in compiled.rules_for(mapper, section)}
    unknown = sorted(name for name in written - told - _ENGINE_KEYS if name.partition(".")[0] not in told)
    must(not unknown, f"the outgoing mapper writes {', '.join(unknown)}, of which get-mapping-fields knows nothing")


def _says_what_it_lacks(bench: Bench) -> None:
    reply = bench.run("no-such-command-of-anybody")
    must(wire.error_text(reply), "a command that it does not have gave no error: a server takes that for an answer")


POINTS: Final = (
    Point(
        name=FIRST,
        rule="test-module says ok",
        source="mirroring.md §1.3; MIR-035",
        advice='return "ok", and nothing else, when the remote can be reached with these parameters',
        work=_says_ok,
        real=True,
    ),
    Point(
        name="test.refused",
        rule="test-module tells wrong secrets in words",
        source="mirroring.md §1.3; MIR-036",
        advice="make a call that needs the log-in, and give its failure to return_error()",
        work=_refuses_wrong_secrets,
        needs=("create",),
    ),
    Point(
        name="commands.unknown",
        rule="a command that it lacks is an error",
        source="mirroring.md §1.2; MIR-071",
        advice="raise NotImplementedError at the end of the dispatcher",
        work=_says_what_it_lacks,
        real=True,
    ),
    Point(
        name="fetch.form",
        rule="fetched incidents have name, rawJSON and occurred in their form",
        source="mirroring.md §1.4",
        advice='{"name": text, "occurred": ISO 8601 with zone, "rawJSON": json.dumps(the object)}',
        work=_gives_incidents,
        flag="fetch",
        real=True,
    ),
    Point(
        name="fetch.mirror",
        rule="fetched incidents say how they are mirrored",
        source="mirroring.md §0.3, §1.4; MIR-040, MIR-041",
        advice="dbotMirrorInstance is demisto.integrationInstance(); give mirror_direction a value by --param",
        work=_says_how_to_mirror,
        flag="fetch",
        real=True,
    ),
    Point(
        name="fetch.limit",
        rule="no fetch gives more than its limit, and none is lost by it",
        source="content.md §1.3; mirroring.md §1.4",
        advice="ask oldest first, cut at the limit, and set the cursor to the last one that was given",
        work=_keeps_the_limit,
        flag="fetch",
        needs=("create",),
        real=True,
    ),
    Point(
        name="fetch.once",
        rule="a second fetch repeats nothing",
        source="mirroring.md §7 no. 17; MIR-037",
        advice="keep the ids of the last cursor's second in lastRun, and leave them out",
        work=_repeats_nothing,
        flag="fetch",
        needs=("create",),
        real=True,
    ),
    Point(
        name="fetch.cursor",
        rule="the cursor does not run ahead",
        source="mirroring.md §1.4; MIR-039",
        advice="set it to the time of the last object given, never to now; ask with ≥ and leave known ids out",
        work=_loses_nothing,
        flag="fetch",
        needs=("create",),
    ),
    Point(
        name="fetch.again",
        rule="a fetch from the same lastRun gives the same",
        source="mirroring.md §1.4; MIR-038",
        advice="keep all state in lastRun: when incidents could not be stored, the server fetches them again",
        work=_can_be_repeated,
        flag="fetch",
        needs=("create",),
        real=True,
    ),
    Point(
        name="fetch.failure",
        rule="a remote that fails is an error",
        source="mirroring.md §1.2; MIR-038",
        advice="let the exception out, or give it to return_error()",
        work=_failure_is_an_error,
        flag="fetch",
        needs=("fail",),
    ),
    Point(
        name="schema.fields",
        rule="get-mapping-fields tells the remote's fields",
        source="mirroring.md §1.8; MIR-059",
        advice="return a GetMappingFieldsResponse with at least one SchemeTypeMapping",
        work=_tells_its_fields,
        flag="mappable",
        real=True,
    ),
    Point(
        name="schema.mapped",
        rule="get-mapping-fields knows what the outgoing mapper writes",
        source="mirroring.md §1.8, §4.4",
        advice="add these fields to the schema, or mend their names in the mapper",
        work=_tells_mapped_fields,
        flag="mappable",
        real=True,
    ),
)
"""In the order in which they are tried."""
