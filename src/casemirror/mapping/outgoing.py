"""Map an incident out: the `data` and `delta` of update-remote-system.   Source: mirroring.md §3.5, §4.4; content.md §3.9."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from casemirror.content.items import Mapper
from casemirror.mapping import compiled
from casemirror.mapping.compiled import Rule
from casemirror.mapping.expressions import Complex, Expression, StepFailed, produce, starts_empty
from casemirror.mapping.outside import NOWHERE, Outside, Step
from casemirror.mapping.value import FAILURES, NOTHING, Nothing, Value, Warning_, json_of
from casemirror.model.incident import ENGINE_FIELDS
from casemirror.model.values import Json, is_empty

_BOOKKEEPING: Final = frozenset({"dbotDirtyFields", "dbotCurrentDirtyFields", "dbotMirrorLastSync"})


@dataclass(frozen=True, kw_only=True)
class MappedOut:
    """What goes out.

    data      remote name → value: all that is mapped and not empty, what was emptied, and pass-through names
    delta     the part of it that comes from dirty fields
    sources   incident fields that the applicable sections read, and the pass-through names
    """

    data: dict[str, Json] = field(default_factory=dict)
    delta: dict[str, Json] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    warnings: tuple[Warning_, ...] = ()


def map_out(
    source: Mapping[str, Json],
    mapper: Mapper | None,
    incident_type: str,
    *,
    dirty: Collection[str],
    passthrough: Sequence[str],
    outside: Outside = NOWHERE,
) -> MappedOut:
    """Map an incident out. Raises nothing; a key whose transformer fails is absent and named in a warning.

    source        the outgoing namespace: system fields by API name, custom fields by cliName at top level
    dirty         names of incident fields that changed since both sides agreed
    passthrough   names that go out under their own name although the mapper lacks them
    Source: mirroring.md §3.5.1–6, §4.4; MAP-085…094; MIR-146…158.
    """
    dirty = frozenset(dirty)
    if mapper is None:
        return _unmapped(source, dirty)
    rules = compiled.rules_for(mapper, incident_type)
    run = _Run(source, dirty, mapper.id, incident_type, outside)
    for rule in rules:
        run.apply(rule)
    run.pass_through(passthrough)
    return MappedOut(
        data=run.data, delta=run.delta, sources=_fields(rules) | set(passthrough), warnings=tuple(run.warnings)
    )


def readable_fields(mapper: Mapper | None, incident_type: str) -> frozenset[str] | None:
    """Incident fields that the applicable sections read; None when there is no mapper: everything goes out."""
    return None if mapper is None else _fields(compiled.rules_for(mapper, incident_type))


def _fields(rules: tuple[Rule, ...]) -> frozenset[str]:
    return compiled.reads(rules) - {"CustomFields"}


def _unmapped(source: Mapping[str, Json], dirty: frozenset[str]) -> MappedOut:
    """The whole incident under local names; names that only the engine writes are in no delta (MIR-156)."""
    data = {name: value for name, value in source.items() if name not in _BOOKKEEPING}
    names = [*(n for n in source if n in dirty), *sorted(dirty - source.keys())]
    delta = {name: source.get(name, "") for name in names if name not in ENGINE_FIELDS}
    return MappedOut(data=data, delta=delta, sources=frozenset(source))


class _Run:
    """The state of one mapping: later rules lay their values over those of earlier ones."""

    def __init__(
        self, source: Mapping[str, Json], dirty: frozenset[str], mapper: str, incident_type: str, outside: Outside
    ) -> None:
        self._source, self._dirty, self._mapper, self._type = source, dirty, mapper, incident_type
        self._outside = outside
        self.data: dict[str, Json] = {}
        self.delta: dict[str, Json] = {}
        self.warnings: list[Warning_] = []

    def apply(self, rule: Rule) -> None:
        if self._outside.watch is not None:
            self._outside.watch(Step(kind="rule", name=rule.key, before=NOTHING, after=NOTHING))
        changed = not self._dirty.isdisjoint(rule.expression.reads)
        try:
            value = produce(rule.expression, self._source, self._outside)
        except StepFailed as failed:
            self._warn(rule.key, failed.text, failed.operator, expected=starts_empty(rule.expression, self._source))
            return
        except FAILURES as error:
            self._warn(rule.key, str(error) or type(error).__name__)
            return
        if is_empty(json_of(value)):
            self._empty(rule, value, changed=changed)
        else:
            self._put(rule.key, json_of(value), changed=changed)

    def _empty(self, rule: Rule, value: Value, *, changed: bool) -> None:
        """An emptied field is news; what a filter keeps back is not, nor what was empty before."""
        if not changed or rule.key in self.data or (value is NOTHING and _selects(rule.expression)):
            return
        self._put(rule.key, "" if isinstance(value, Nothing) else value, changed=True)

    def _put(self, key: str, value: Json, *, changed: bool) -> None:
        self.data[key] = value
        if changed or key in self.delta:
            self.delta[key] = value

    def pass_through(self, names: Sequence[str]) -> None:
        """Names under which some integrations look for closing and owner.   Source: mirroring.md §3.5.3."""
        for name in names:
            value = self._source.get(name, "")
            if name in self.data:
                continue
            if not is_empty(value):
                self.data[name] = value
            if name in self._dirty:
                self.delta[name] = value

    def _warn(self, key: str, text: str, operator: str = "", *, expected: bool = False) -> None:
        if self._outside.watch is not None:
            self._outside.watch(Step(kind="left out", name=key, before=NOTHING, after=NOTHING, error=text))
        self.warnings.append(
            Warning_(mapper=self._mapper, type=self._type, field=key, operator=operator, text=text, expected=expected)
        )


def _selects(expression: Expression) -> bool:
    return isinstance(expression, Complex) and bool(expression.groups)
