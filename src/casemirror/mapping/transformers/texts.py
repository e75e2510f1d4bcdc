"""Built-in transformers of texts.   Source: content.md §4.2; MAP-046, 047, 054…057."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.mapping import patterns
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.value import OperatorFailed, Value, text_of

UNFOUND_KEEPS_TEXT: Final = True
"""substringFrom and substringTo without a hit leave the text as it is.   Source: content.md Q5 (nobody knows)."""
LONGEST: Final = 10_000_000
"""Longest text that an operator may build, characters."""


def scalar_text(value: Value) -> str:
    """A value as text. Raises OperatorFailed for objects and lists."""
    if isinstance(value, list | tuple | Mapping):
        raise OperatorFailed("an object or list is no text")
    return text_of(value)


def bounded(text: str) -> str:
    """The text, unless it has grown too long. Raises OperatorFailed."""
    if len(text) > LONGEST:
        raise OperatorFailed("the result is too long")
    return text


def _replace(value: Value, args: Arguments) -> Value:
    old, new, text = args.text("toReplace"), args.text("replaceWith"), text_of(value)
    if not old:
        return text
    limit = args.integer("limit", -1)
    if len(new) > len(old) and (text.count(old) * (len(new) - len(old)) + len(text)) > LONGEST:
        raise OperatorFailed("the result is too long")
    return text.replace(old, new, -1 if limit is None or limit < 0 else limit)


def _replace_match(value: Value, args: Arguments) -> Value:
    return bounded(patterns.substitute(args.need("regex"), args.text("replaceWith"), text_of(value)))


def _substring_from(value: Value, args: Arguments) -> Value:
    text = text_of(value)
    mark = args.need("from")
    _, found, rest = text.partition(mark) if mark else (text, "", "")
    return rest if found or not UNFOUND_KEEPS_TEXT else text


def _substring_to(value: Value, args: Arguments) -> Value:
    text = text_of(value)
    mark = args.need("to")
    head, found, _ = text.partition(mark) if mark else (text, "", "")
    return head if found or not UNFOUND_KEEPS_TEXT else text


def _substring(value: Value, args: Arguments) -> Value:
    text = text_of(value)
    first, last = args.integer("from", 0) or 0, args.integer("to")
    return text[max(first, 0) : len(text) if last is None else max(last, 0)]


def _split(value: Value, args: Arguments) -> Value:
    delimiter = args.text("delimiter", ",")
    return list(text_of(value).split(delimiter) if delimiter else text_of(value))


def _split_and_trim(value: Value, args: Arguments) -> Value:
    delimiter = args.text("delimiter", ",")
    return [part.strip() for part in (text_of(value).split(delimiter) if delimiter else text_of(value))]


TABLE: Final[Mapping[str, Transformer]] = {
    "toUpperCase": items(lambda v, a: scalar_text(v).upper()),
    "toLowerCase": items(lambda v, a: scalar_text(v).lower()),
    "trim": items(lambda v, a: scalar_text(v).strip()),
    "strLength": items(lambda v, a: len(scalar_text(v))),
    "replace": items(_replace),
    "replaceMatch": items(_replace_match),
    "substringFrom": items(_substring_from),
    "substringTo": items(_substring_to),
    "substring": items(_substring),
    "split": items(_split),
    "splitAndTrim": items(_split_and_trim),
    "concat": items(lambda v, a: bounded(a.text("prefix") + text_of(v) + a.text("suffix"))),
    "Stringify": items(lambda v, a: text_of(v)),
}
