"""The operators of `ExtFilter` that only test: each makes a predicate of single elements out of its filter.

Source: public documentation of ExtFilter (operators); content.md §4.2 row 43.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from casemirror.mapping import patterns
from casemirror.mapping.transformers.ext_filter_language import literal
from casemirror.mapping.transformers.lists import identity
from casemirror.mapping.value import OperatorFailed, as_list, number_of, shorten, text_of
from casemirror.model.values import Json

Predicate: TypeAlias = Callable[[Json], bool]
Maker: TypeAlias = Callable[[Json], Predicate]
Matcher: TypeAlias = Callable[[str, str, bool], bool]
"""text, what is looked for, without regard to case → matches"""

_INTEGER: Final = re.compile(r"\s*[+-]?\d+\s*")


@dataclass(frozen=True)
class Test:
    """A test by name.

    make      filter → predicate of one element. Raises OperatorFailed for a filter that it cannot read
    whole     the value passes as a whole when any of its elements does; otherwise each element for itself
    negated   the verdict is turned round; for `whole`: passes when none of the elements does
    raw       the filter is a text as it stands, no JSON
    """

    __test__ = False  # for pytest

    make: Maker
    whole: bool = False
    negated: bool = False
    raw: bool = True


def full_match(pattern: str) -> str:
    """A pattern that must match the whole text."""
    return rf"\A(?:{pattern})\Z"


def _equal(text: str, wanted: str, ignore_case: bool) -> bool:
    return text.casefold() == wanted.casefold() if ignore_case else text == wanted


def _wildcard(text: str, wanted: str, ignore_case: bool) -> bool:
    """``*`` for any characters, ``?`` for one, ``[abc]`` for one of these."""
    return patterns.found_in(rf"\A{fnmatch.translate(wanted)}", text, ignore_case=ignore_case)


def _regex(text: str, wanted: str, ignore_case: bool) -> bool:
    return patterns.found_in(full_match(wanted), text, ignore_case=ignore_case)


def _side(check: Callable[[str, str], bool]) -> Matcher:
    """A comparison with a part of the text."""
    return lambda text, wanted, ignore: check(text.casefold(), wanted.casefold()) if ignore else check(text, wanted)


def _against(matcher: Matcher, ignore_case: bool, split: Callable[[Json], list[Json]]) -> Maker:
    """A test that passes texts which match any of the texts in the filter; nothing else passes."""

    def make(filter_: Json) -> Predicate:
        wanted = [part for part in split(filter_) if isinstance(part, str)]
        return lambda item: isinstance(item, str) and any(matcher(item, part, ignore_case) for part in wanted)

    return make


def _alone(filter_: Json) -> list[Json]:
    return [filter_]


def _lines(filter_: Json) -> list[Json]:
    """Lines of a text; a JSON list of texts is taken too, which the documentation shows under the same names."""
    if isinstance(filter_, str) and not filter_.strip().startswith(("[", '"')):
        return list(filter_.splitlines())
    return _strings(literal(filter_) if isinstance(filter_, str) else filter_)


def _strings(filter_: Json) -> list[Json]:
    found = as_list(filter_)
    if not all(isinstance(part, str) for part in found):
        raise OperatorFailed("the filter must be a text or a list of texts")
    return found


def _commas(filter_: Json) -> list[Json]:
    return [part.strip() for part in filter_.split(",")] if isinstance(filter_, str) else _strings(filter_)


def _kind(filter_: Json) -> Predicate:
    """`is`: what a value is. Raises OperatorFailed for words that are not known."""
    found = _KINDS.get(filter_) if isinstance(filter_, str) else None
    if found is None:
        raise OperatorFailed(f"{shorten(filter_)} is nothing that a value can be; known: {', '.join(_KINDS)}")
    return found


def _is_integer(item: Json) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _is_integer_text(item: Json) -> bool:
    return isinstance(item, str) and _INTEGER.fullmatch(item) is not None


_KINDS: Final[Mapping[str, Predicate]] = {
    "empty": lambda item: item is None or item in ("", [], {}, ()),
    "null": lambda item: item is None,
    "string": lambda item: isinstance(item, str),
    "integer": _is_integer,
    "integer string": _is_integer_text,
    "any integer": lambda item: _is_integer(item) or _is_integer_text(item),
}


def _identical(filter_: Json) -> Predicate:
    wanted = identity(filter_)
    return lambda item: identity(item) == wanted


def _same(filter_: Json) -> Predicate:
    """Equal after conversion: a number to its text or back, a boolean to `true`, `false`; null equals null alone."""

    def passes(item: Json) -> bool:
        if item is None or filter_ is None or type(item) is type(filter_):
            return identity(item) == identity(filter_)
        a, b = _number(item), _number(filter_)
        return a == b if a is not None and b is not None else text_of(item) == text_of(filter_)

    return passes


def _number(value: Json) -> int | float | None:
    """The value as number; None when it is none."""
    try:
        return number_of(value)
    except OperatorFailed:
        return None


def _ordered(check: Callable[[float, float], bool]) -> Maker:
    def make(filter_: Json) -> Predicate:
        limit = _number(filter_)

        def passes(item: Json) -> bool:
            number = _number(item)
            return number is not None and limit is not None and check(number, limit)

        return passes

    return make


def _in_range(filter_: Json) -> Predicate:
    """``min,max``, both included."""
    bounds = filter_.split(",") if isinstance(filter_, str) else []
    if len(bounds) != 2:
        raise OperatorFailed(f"{shorten(filter_)} is no range of the form min,max")
    low, high = _AT_LEAST(bounds[0]), _AT_MOST(bounds[1])
    return lambda item: low(item) and high(item)


_AT_LEAST: Final = _ordered(lambda a, b: a >= b)
_AT_MOST: Final = _ordered(lambda a, b: a <= b)


def _among(filter_: Json) -> Predicate:
    wanted = {identity(part) for part in as_list(filter_)}
    return lambda item: identity(item) in wanted


def _among_caseless(filter_: Json) -> Predicate:
    wanted = {identity(_folded(part)) for part in as_list(filter_)}
    return lambda item: identity(_folded(item)) in wanted


def _folded(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _tests_of_parts() -> Iterator[tuple[str, Test]]:
    """`starts with` and its like, each with its opposite, each also `caseless`."""
    parts: list[tuple[str, str, Matcher, bool]] = [
        ("starts with", "doesn't start with", _side(str.startswith), False),
        ("ends with", "doesn't end with", _side(str.endswith), False),
        ("includes", "doesn't include", _side(str.__contains__), False),
        ("finds", "doesn't find", _side(str.__contains__), True),
    ]
    for (name, opposite, matcher, whole), ignore_case in itertools.product(parts, (False, True)):
        end = " caseless" if ignore_case else ""
        make = _against(matcher, ignore_case, _alone)
        yield name + end, Test(make, whole=whole)
        yield opposite + end, Test(make, whole=whole, negated=True)


def _tests_of_matching() -> Iterator[tuple[str, Test]]:
    """`matches` for elements and `contains` for whole values: one text, any line, any string; by patterns, without case."""
    matchers: list[tuple[str, Matcher]] = [("", _equal), ("wildcard: ", _wildcard), ("regex: ", _regex)]
    verbs = [
        ("matches", False, False),
        ("doesn't match", False, True),
        ("contains", True, False),
        ("doesn't contain", True, True),
    ]
    for (start, matcher), (verb, whole, negated), ignore_case in itertools.product(matchers, verbs, (False, True)):
        test, word = partial(Test, whole=whole, negated=negated), " caseless" if ignore_case else ""
        yield f"{start}{verb}{word}", test(_against(matcher, ignore_case, _alone))
        yield f"{start}{verb} any{word} line of", test(_against(matcher, ignore_case, _lines))
        yield f"{start}{verb} any{word} string of", test(_against(matcher, ignore_case, _strings), raw=False)


def _tests_of_lists() -> Iterator[tuple[str, Test]]:
    for ignore_case, word in ((False, ""), (True, " caseless")):
        among, listed = _among_caseless if ignore_case else _among, _against(_equal, ignore_case, _commas)
        yield f"in{word}", Test(among, raw=False)
        yield f"not in{word}", Test(among, raw=False, negated=True)
        yield f"in{word} list", Test(listed)
        yield f"not in{word} list", Test(listed, negated=True)


TESTS: Final[Mapping[str, Test]] = {
    "is": Test(_kind),
    "isn't": Test(_kind, negated=True),
    "===": Test(_identical, raw=False),
    "!==": Test(_identical, raw=False, negated=True),
    **dict.fromkeys(("equals", "=="), Test(_same, raw=False)),
    **dict.fromkeys(("doesn't equal", "!="), Test(_same, raw=False, negated=True)),
    **dict.fromkeys(("greater or equal", ">="), Test(_AT_LEAST, raw=False)),
    **dict.fromkeys(("greater than", ">"), Test(_ordered(lambda a, b: a > b), raw=False)),
    **dict.fromkeys(("less or equal", "<="), Test(_AT_MOST, raw=False)),
    **dict.fromkeys(("less than", "<"), Test(_ordered(lambda a, b: a < b), raw=False)),
    "in range": Test(_in_range),
    **dict(_tests_of_parts()),
    **dict(_tests_of_matching()),
    **dict(_tests_of_lists()),
}
"""All tests but `is existing key`, which looks at more than an element."""
