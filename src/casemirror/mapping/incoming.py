"""Map a remote object in: which incident fields it tells, with which values.   Source: mirroring.md §4.3; content.md §3.7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casemirror.content.catalog import Catalog
from casemirror.content.items import Mapper
from casemirror.mapping import casting, compiled, targets
from casemirror.mapping.compiled import Rule
from casemirror.mapping.expressions import StepFailed, produce, starts_empty
from casemirror.mapping.outside import NOWHERE, Outside, Step
from casemirror.mapping.targets import Place, Target
from casemirror.mapping.value import FAILURES, NOTHING, Value, Warning_
from casemirror.model.values import Json, is_empty


@dataclass(frozen=True, kw_only=True)
class MappedIn:
    """What an object tells.

    fields        system name or cliName → cast value; a timer's value is what to merge into the timer
    touched       names in `fields` whose source was present; the others come from defaults of the mapper alone
    mirror        dbotMirror* name → value that was mapped and is not empty (`dbotMirrorTags`: list of texts)
    labels_used   first keys of the event that the mapper looks at
    """

    fields: dict[str, Json] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()
    mirror: dict[str, Json] = field(default_factory=dict)
    labels_used: frozenset[str] = frozenset()
    warnings: tuple[Warning_, ...] = ()

    @property
    def told(self) -> dict[str, Json]:
        """The fields that the object itself tells: what a pull may apply, so that a partial object changes nothing else."""
        return {name: value for name, value in self.fields.items() if name in self.touched}


def map_in(
    event: Json,
    mapper: Mapper | None,
    incident_type: str,
    catalog: Catalog,
    *,
    null_empties: bool = False,
    outside: Outside = NOWHERE,
) -> MappedIn:
    """Map an event or remote object in. Raises nothing; what cannot be mapped is left out with a warning.

    A path that leads nowhere touches nothing; an explicit ``""`` or ``[]`` empties the field, and so does an explicit null
    with `null_empties`. Names that only the engine writes are never in `fields`.
    Source: mirroring.md §4.3; MAP-070…082, MAP-101; MIR-095…105, 115, 116.
    """
    run = _Run(event, mapper.id if mapper else "", incident_type, catalog, null_empties, outside)
    if mapper is None:
        run.unmapped()
        return run.result(frozenset())
    rules = compiled.rules_for(mapper, incident_type)
    for rule in rules:
        run.apply(rule)
    return run.result(compiled.reads(rules))


class _Run:
    """The state of one mapping: later rules lay their values over those of earlier ones."""

    def __init__(
        self, event: Json, mapper: str, incident_type: str, catalog: Catalog, null_empties: bool, outside: Outside
    ) -> None:
        self._event, self._mapper, self._type = event, mapper, incident_type
        self._catalog, self._null_empties, self._outside = catalog, null_empties, outside
        self._fields: dict[str, Json] = {}
        self._mirror: dict[str, Json] = {}
        self._touched: set[str] = set()
        self._warnings: list[Warning_] = []

    def apply(self, rule: Rule) -> None:
        if self._outside.watch is not None:
            self._outside.watch(Step(kind="rule", name=rule.key, before=NOTHING, after=NOTHING))
        target = targets.find(rule.key, self._catalog)
        if target is None:
            self._warn(rule.key, "no incident field has this name")
        elif target.place is not Place.PROTECTED:
            try:
                value = produce(rule.expression, self._event, self._outside)
                self._set(target, value, told=rule.expression.told(self._event))
            except StepFailed as failed:
                self._warn(rule.key, failed.text, failed.operator, expected=starts_empty(rule.expression, self._event))
            except FAILURES as error:
                self._warn(rule.key, str(error) or type(error).__name__)

    def unmapped(self) -> None:
        """Without a mapper: only values under machine names of a safe set.   Source: mirroring.md §4.3.10."""
        for key, value in self._event.items() if isinstance(self._event, Mapping) else ():
            target = targets.without_mapper(key, self._catalog)
            if target is not None:
                try:
                    self._set(target, value, told=True)
                except FAILURES as error:
                    self._warn(key, str(error) or type(error).__name__)

    def _set(self, target: Target, value: Value, *, told: bool) -> None:
        """Lay a value over what earlier rules gave; null never covers one (MAP-074). Raises `value.FAILURES`."""
        if value is NOTHING or (value is None and (target.name in self._fields or not self._null_empties)):
            return
        cast = casting.cast(target.kind, value, target.options)
        if self._outside.watch is not None:
            self._outside.watch(Step(kind="cast", name=target.kind, before=value, after=cast))
        if target.place is Place.MIRROR:
            if not is_empty(cast):
                self._mirror[target.name] = cast
            return
        if target.kind == "timer" and is_empty(cast):
            return
        self._fields[target.name] = cast
        if told:
            self._touched.add(target.name)
        else:
            self._touched.discard(target.name)

    def _warn(self, key: str, text: str, operator: str = "", *, expected: bool = False) -> None:
        if self._outside.watch is not None:
            self._outside.watch(Step(kind="left out", name=key, before=NOTHING, after=NOTHING, error=text))
        self._warnings.append(
            Warning_(mapper=self._mapper, type=self._type, field=key, operator=operator, text=text, expected=expected)
        )

    def result(self, used: frozenset[str]) -> MappedIn:
        return MappedIn(
            fields=self._fields,
            touched=frozenset(self._touched),
            mirror=self._mirror,
            labels_used=used,
            warnings=tuple(self._warnings),
        )
