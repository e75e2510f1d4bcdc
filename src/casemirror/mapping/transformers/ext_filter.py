"""`ExtFilter`: filter and change a value at any depth, by a language of its own written in JSON.

Upstream it is a script, here a pure function; its operators are in `ext_filter_conditions` and `ext_filter_values`, those
that hold expressions here.   Source: public documentation of ExtFilter; content.md §4.2 row 43.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from casemirror.mapping.operators import Arguments, Transformer, wholes
from casemirror.mapping.transformers.ext_filter_conditions import TESTS, Test
from casemirror.mapping.transformers.ext_filter_language import (
    CONTEXTS,
    MISS,
    Change,
    Outcome,
    Run,
    at_path,
    bounded,
    combine,
    each,
    keys_of,
    literal,
    parsed,
)
from casemirror.mapping.transformers.ext_filter_values import OF_ELEMENTS, OF_WHOLES, Maker, parameters
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list, json_of, shorten
from casemirror.model.values import Json

Make: TypeAlias = Callable[[Run, Json], Change]
"""call, filter → what is done with one value. Raises OperatorFailed, as the change does."""


@dataclass(frozen=True)
class Operator:
    """An operator by name.

    each   it works on each element of a list for itself
    lazy   its filter holds expressions: references inside are replaced when an expression is reached
    raw    its filter is a text as it stands, no JSON
    test   it only tests: an empty list, which has no elements, is put to the test itself
    """

    make: Make
    each: bool = True
    lazy: bool = False
    raw: bool = False
    test: bool = False


def _apply(run: Run, name: str, value: Value, filter_: Json, *, as_one: bool = False) -> Outcome:
    """Apply an operator; `as_one` to a list as to a single value. Raises OperatorFailed, its text begins with the name."""
    operator = OPERATORS.get(name)
    if operator is None:
        raise OperatorFailed(f"unknown operator {shorten(name)}")
    change = operator.make(run, filter_ if operator.lazy else run.fill(filter_, value))
    try:
        if operator.test and operator.each and value in ([], ()):
            return Outcome(value, change(value).hit)
        return each(value, change) if operator.each and not as_one else change(value)
    except TimeoutError:
        raise OperatorFailed(f"{name!r} takes too long") from None


def _expressions(run: Run, filter_: Json, value: Value) -> Outcome:
    """Operators with their filters, one behind the other; in lists with words between.   Source: filter syntax."""
    with run.nested():
        found = run.structure(filter_, value)
        if isinstance(found, Mapping):
            return _in_turn(run, found, value)
        evaluate: Callable[[Value, Json], Outcome] = lambda one, term: _expressions(run, term, one)  # noqa: E731
        if isinstance(value, list | tuple) and _is_by_element(found):
            return each(value, lambda item: combine(found, item, evaluate))
        return combine(found, value, evaluate)


def _in_turn(run: Run, operators: Mapping[str, Json], value: Value, *, as_one: bool = False) -> Outcome:
    found = Outcome(value, True)
    for name, filter_ in operators.items():
        found = _apply(run, str(run.fill(name, found.value)), found.value, filter_, as_one=as_one)
        if not found.hit:
            break
    return found


def _is_by_element(terms: Json) -> bool:
    """All operators work on single elements, so that `or` and `not` can be decided for each of them."""
    if isinstance(terms, Mapping):
        return all(name in OPERATORS and OPERATORS[name].each for name in terms)
    return isinstance(terms, str) or all(_is_by_element(term) for term in as_list(terms))


def _condition(run: Run, filter_: Json, item: Value) -> Outcome:
    """Paths with the expressions that hold there; in lists with words between.   Source: filter syntax."""
    with run.nested():
        found = run.structure(filter_, item)
        if not isinstance(found, Mapping):
            return combine(found, item, lambda one, term: _condition(run, term, one))
        outcome = Outcome(item, True)
        for path, expressions in found.items():
            keys = keys_of(run.fill(path, item))
            outcome = at_path(outcome.value, keys, partial(_expressions, run, expressions))
            if not outcome.hit:
                return MISS
        return outcome


def _of_values(value: Value, change: Change) -> Outcome:
    """The members of an object of which the values pass; the elements of anything else."""
    if not isinstance(value, Mapping):
        return each(value, change)
    found = {key: change(inner) for key, inner in value.items()}
    kept = {key: json_of(outcome.value) for key, outcome in found.items() if outcome.hit}
    return Outcome(kept, bool(kept))


def _transformed(run: Run, filter_: Json, value: Value) -> Outcome:
    """All transformers, one behind the other; what a list turns into is a list."""
    found = _expressions(run, filter_, value)
    if found.hit and isinstance(value, list | tuple) and not isinstance(found.value, list | tuple):
        return Outcome([json_of(found.value)], True)
    return found


def _collectively(run: Run, filter_: Json, value: Value) -> Outcome:
    """As `_transformed`, but a list is one value to each of the transformers."""
    found, steps = Outcome(value, True), run.structure(filter_, value)
    for step in as_list(steps):
        if not isinstance(step, Mapping):
            raise OperatorFailed(f"{shorten(step)} is no transformer")
        found = _in_turn(run, step, found.value, as_one=True) if found.hit else found
    return found


def _if_then_else(run: Run, filter_: Json, value: Value) -> Outcome:
    parts = parameters(run.structure(filter_, value))
    tested = run.fill(parts["lhs"], value) if "lhs" in parts else value
    passes = "if" not in parts or _expressions(run, parts["if"], tested).hit
    return _branch(run, parts, "then" if passes else "else", value)


def _switch_case(run: Run, filter_: Json, value: Value) -> Outcome:
    parts = parameters(run.structure(filter_, value))
    labels = parameters(run.structure(parts.get("switch", {}), value))
    hit = (label for label, expressions in labels.items() if _expressions(run, expressions, value).hit)
    return _branch(run, parts, next(hit, "default"), value)


def _branch(run: Run, parts: Mapping[str, Json], name: str, value: Value) -> Outcome:
    return _expressions(run, parts[name], value) if name in parts else Outcome(value, True)


def _keep(run: Run, filter_: Json, *, kept: bool) -> Change:
    """Objects with (or without) the keys of the filter; other values as they are."""
    keys = as_list(filter_)
    if not all(isinstance(key, str) for key in keys):
        raise OperatorFailed("the filter must be a list of keys")

    def change(value: Value) -> Outcome:
        if not isinstance(value, Mapping):
            return Outcome(value, True)
        return Outcome({key: inner for key, inner in value.items() if (key in keys) == kept}, True)

    return change


def _test(test: Test, run: Run, filter_: Json) -> Change:
    passes = test.make(filter_)

    def change(value: Value) -> Outcome:
        passed = any(map(passes, as_list(value))) if test.whole else passes(json_of(value))
        return Outcome(value, True) if passed != test.negated else MISS

    return change


def _kind(name: str, run: Run, filter_: Json) -> Change:
    """`is` and `isn't`: whether a path leads anywhere is no question of the value."""
    if filter_ != "existing key":
        return _test(TESTS[name], run, filter_)
    return lambda value: Outcome(value, True) if (value is NOTHING) == TESTS[name].negated else MISS


def _changed(maker: Maker, run: Run, filter_: Json) -> Change:
    """What is not there cannot be changed; all else is changed within bounds."""
    return lambda value: Outcome(bounded(maker(json_of(value), filter_)), True)


def _holding(evaluate: Callable[[Run, Json, Value], Outcome]) -> Make:
    """An operator whose filter holds expressions or conditions."""
    return lambda run, filter_: partial(evaluate, run, filter_)


def _for_values(evaluate: Callable[[Run, Json, Value], Outcome]) -> Make:
    return lambda run, filter_: lambda value: _of_values(value, partial(evaluate, run, filter_))


_EACH: Final = partial(Operator, lazy=True)
_WHOLE: Final = partial(Operator, lazy=True, each=False)

OPERATORS: Final[Mapping[str, Operator]] = {
    **{n: Operator(partial(_test, t), each=not t.whole, raw=t.raw, test=True) for n, t in TESTS.items()},
    **{n: Operator(partial(_kind, n), raw=True, test=True) for n in ("is", "isn't")},
    **{name: Operator(partial(_changed, maker)) for name, maker in OF_ELEMENTS.items()},
    **{name: Operator(partial(_changed, maker), each=False) for name, maker in OF_WHOLES.items()},
    "keeps": Operator(partial(_keep, kept=True)),
    **dict.fromkeys(("doesn't keep", "doesn't keeps"), Operator(partial(_keep, kept=False))),
    "is filtered with": _EACH(_holding(_condition)),
    "matches conditions of": _EACH(_holding(_condition)),
    "matches expressions of": _WHOLE(_holding(_expressions)),
    "value is filtered with": _WHOLE(_for_values(_expressions)),
    "value matches expressions of": _WHOLE(_for_values(_expressions)),
    "value matches conditions of": _WHOLE(_for_values(_condition)),
    "is transformed with": _WHOLE(_holding(_transformed)),
    "is individually transformed with": _EACH(_holding(_expressions)),
    "is collectively transformed with": _WHOLE(_holding(_collectively)),
    "if-then-else": _EACH(_holding(_if_then_else)),
    "switch-case": _EACH(_holding(_switch_case)),
}


def _ext_filter(value: Value, args: Arguments) -> Value:
    """Apply `operator` with `filter` to what `path` leads to. Raises OperatorFailed.

    The path of `value is filtered with` starts at each of the values, as the documentation shows.
    """
    name = args.text("operation") or args.need("operator")
    operator, path = OPERATORS.get(name), args.text("path").strip()
    try:
        filter_: Json = args.need("filter") if operator and operator.raw else json_of(args.value("filter"))
        if isinstance(filter_, str) and not (operator and operator.raw):
            filter_ = literal(filter_)
        run = Run(root=value, contexts=_contexts(args), now=args.outside.now)
        if path and name == "value is filtered with":
            name, path, filter_ = "value matches conditions of", "", {path: filter_}
        bounded(filter_)
        return at_path(value, keys_of(path), lambda held: _apply(run, name, held, filter_)).value
    except OperatorFailed as error:
        raise OperatorFailed(f"operator {name!r}{f' at {path!r}' if path else ''}: {error}") from None


def _contexts(args: Arguments) -> dict[str, Value]:
    """What references lead to; contexts that are given as texts are JSON."""
    found: dict[str, Value] = {}
    for word, argument in CONTEXTS.items():
        given = args.value(argument)
        found[word] = (parsed(given) if given.strip() else None) if isinstance(given, str) else given
    return found


TABLE: Final[Mapping[str, Transformer]] = {"ExtFilter": wholes(_ext_filter)}
