"""Merge the objects of one list into those of another that they match, as MergeDictArray does.   Source: content.md §3.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from casemirror.mapping.operators import Arguments
from casemirror.mapping.paths import compile_path, resolve
from casemirror.mapping.script_values import same_loosely
from casemirror.mapping.transformers.lists import identity
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, absent, as_list, json_of, shorten, text_of
from casemirror.model.values import Json

MOST: Final = 1_000_000
"""Comparisons that one merge may take."""


@dataclass(kw_only=True)
class Merge:
    """One merge: the list is the destination, `merge_with` the source.

    keys                     path in a destination → path in a source; all must agree
    out_key                  where in the destination the source is put; empty to spread its keys
    appendable               sources that match nothing are added
    strategy                 of a key in both: `merge`, `source` or `destination`
    by_source, by_destination   keys for which that side counts, whatever the strategy
    left                     comparisons that may still be made
    """

    keys: Mapping[str, str]
    out_key: str
    appendable: bool
    strategy: str
    by_source: frozenset[str]
    by_destination: frozenset[str]
    left: int = MOST

    def lists(self, into: list[Json], sources: list[Json]) -> list[Json]:
        """The destinations with the sources in them. Raises OperatorFailed."""
        merged = list(into)
        for source in sources:
            matched = [at for at, one in enumerate(merged) if self._match(one, source)]
            for at in matched:
                merged[at] = self._put(merged[at], source)
            if not matched and self.appendable:
                merged.append({self.out_key: source} if self.out_key else source)
        return merged

    def _match(self, into: Json, source: Json) -> bool:
        self._spend(1)
        if not isinstance(into, Mapping) or not isinstance(source, Mapping):
            return False
        return all(self._holds(_at(into, theirs), _at(source, ours)) for theirs, ours in self.keys.items())

    def _holds(self, into: Value, source: Value) -> bool:
        """Every value of the source is among those of the destination; `1` and `"1"` are the same."""
        if into is NOTHING or source is NOTHING:
            return False
        wanted, there = _several(source), _several(into)
        self._spend(len(wanted) * len(there))
        return all(any(same_loosely(one, other) for other in there) for one in wanted)

    def _spend(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise OperatorFailed(f"the merge takes more than {MOST} comparisons")

    def _put(self, into: Json, source: Json) -> Json:
        assert isinstance(into, Mapping) and isinstance(source, Mapping)  # `_match` has looked
        if self.out_key:
            return put(into, self.out_key, source, self)
        found = dict(into)
        for key, inner in source.items():
            if key not in into:
                found[key] = inner
            elif told := _several(inner):
                found[key] = self.both(into[key], told[-1], key)  # of several the last one counts, as upstream
        return found

    def both(self, into: Json, source: Json, key: str) -> Json:
        """What a key becomes that both sides have. Raises OperatorFailed for an unknown strategy."""
        if key in self.by_source or (key not in self.by_destination and self.strategy == "source"):
            return source
        if key in self.by_destination or self.strategy == "destination":
            return into
        if self.strategy != "merge":
            raise OperatorFailed(f"unknown conflict_strategy {shorten(self.strategy)}")
        return _union(into, source)


def _union(into: Json, source: Json) -> Json:
    """All values of the destination, and those of the source that are not among them; a single one bare."""
    found = as_list(into)
    seen = {identity(v) for v in found if not isinstance(v, list | tuple | Mapping)}
    for value in as_list(source):
        if isinstance(value, list | tuple | Mapping) or identity(value) not in seen:
            found.append(value)
            seen.add(identity(value))
    if not found:
        return into if into is not None else source
    both_lists = isinstance(into, list | tuple) and isinstance(source, list | tuple)
    return found[0] if len(found) == 1 and not both_lists else found


def _several(value: Value) -> list[Json]:
    """A list, or the value, null too, as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [json_of(value)]


def _at(value: Mapping[str, Json], path: str) -> Value:
    """The value at keys with dots between them; NOTHING when there is none."""
    found: Value = value
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return NOTHING
        found = found[key]
    return found


def put(into: Mapping[str, Json], path: str, value: Json, merge: Merge | None = None) -> dict[str, Json]:
    """The object with a value at keys with dots between them; with `merge`, merged with what is there. Raises OperatorFailed."""
    key, _, rest = path.partition(".")
    if not key or path.endswith("."):
        raise OperatorFailed(f"the path {shorten(path)} has an empty key")
    if rest:
        inner = into.get(key)
        return {**into, key: put(inner if isinstance(inner, Mapping) else {}, rest, value, merge)}
    return {**into, key: merge.both(into[key], value, key) if merge and key in into else value}


def _keys(text: str) -> dict[str, str]:
    """``source:destination`` pairs between commas. Raises OperatorFailed."""
    found: dict[str, str] = {}
    for pair in text.split(","):
        source, colon, into = pair.partition(":")
        if not colon:
            raise OperatorFailed(f"the mapping {shorten(text)} is no list of pairs source:destination")
        found[into.strip()] = source.strip()
    return found


def _sides(args: Arguments, name: str) -> frozenset[str]:
    return frozenset(text_of(key) for key in spread(args.value(name)))


def merge_dict_array(value: Value, args: Arguments) -> Value:
    """The list, or that at `array_path` of each of its objects, with `merge_with` in it; `out_path` puts it elsewhere."""
    merge = Merge(
        keys=_keys(args.need("mapping")),
        out_key=args.text("out_key"),
        appendable=args.text("appendable", "true").lower() == "true",
        strategy=args.text("conflict_strategy") or "merge",
        by_source=_sides(args, "overwrite_by_source"),
        by_destination=_sides(args, "overwrite_by_destination"),
    )
    if merge.by_source & merge.by_destination:
        raise OperatorFailed("a key is both in overwrite_by_source and in overwrite_by_destination")
    array, out = args.text("array_path"), args.text("out_path")
    if absent(args.value("merge_with")):
        return value
    sources = as_list(args.value("merge_with"))
    if array:
        return [_below(one, array, out or array, sources, merge) for one in as_list(value)]
    merged = merge.lists(as_list(value), sources)
    return [put({}, out, merged)] if out else merged


def _below(one: Json, array: str, out: str, sources: list[Json], merge: Merge) -> Json:
    if not isinstance(one, Mapping):
        raise OperatorFailed("array_path leads into something that is no object")
    found = resolve(compile_path(array), one)
    merged = merge.lists(_several(found), sources)
    alone = len(merged) == 1 and not isinstance(found, list | tuple)
    return put(one, out, merged[0] if alone else merged)
