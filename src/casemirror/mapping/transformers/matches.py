"""Operators that take a text apart by patterns and delimiters.   Source: content.md §4.2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from casemirror.mapping import patterns
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import OperatorFailed, Value, json_of, text_of
from casemirror.model.values import Json

_FLAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("dotall", "s"), "s"),
    **dict.fromkeys(("multiline", "m"), "m"),
    **dict.fromkeys(("ignorecase", "i"), "i"),
    **dict.fromkeys(("unicode", "u"), "u"),
}
_EMAIL: Final = r"\b[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b"


def words(text: str) -> list[str]:
    """The parts of a list that is written with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _regex_groups(value: Value, args: Arguments) -> Value:
    """The groups of the first match: all, or those of `groups` (zero-based); an object when `keys` names them."""
    unknown = [flag for flag in words(args.text("flags")) if flag not in _FLAGS]
    if unknown:
        raise OperatorFailed(f"unknown flag {unknown[0]!r}; there are dotall, multiline, ignorecase, unicode")
    flags = "".join(_FLAGS[flag] for flag in words(args.text("flags")))
    found: list[Json] = list(patterns.groups_of_first(args.need("regex"), text_of(value), flags))
    wanted = words(args.text("groups"))
    if wanted:
        found = [_group(found, number) for number in wanted]
    keys = args.text("keys").split(",") if args.text("keys") else []
    if not keys:
        return found
    if len(keys) != len(found):
        raise OperatorFailed(f"{len(keys)} keys for {len(found)} groups")
    return dict(zip(keys, found, strict=True))


def _group(found: list[Json], number: str) -> Json:
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise OperatorFailed(f"group {number!r} is no number")
    if int(number) >= len(found):
        raise OperatorFailed(f"there is no group {number}; the pattern gave {len(found)}")
    return found[int(number)]


def _regex_extract_all(value: Value, args: Arguments) -> Value:
    """Every match: the text, its one group, or the list of its groups; `unpack_matches` puts all groups in one list."""
    named = {"multi_line": "m", "ignore_case": "i", "period_matches_newline": "s"}
    flags = "1" + "".join(flag for name, flag in named.items() if args.flag(name, default=False))
    found = patterns.all_matches(args.need("regex"), text_of(value), flags)
    if not found and args.flag("error_if_no_match", default=False):
        raise OperatorFailed("the pattern matches nothing")
    if args.flag("unpack_matches", default=False):
        return [part for match in found for part in (match if isinstance(match, list) else [match]) if part]
    return list(found)


def _replace_match_group(value: Value, args: Arguments) -> Value:
    """Replace what the groups matched, not what stands around them."""
    new, text = args.text("replace_with"), text_of(value)
    parts, at = [], 0
    for first, last in patterns.spans_of_groups(args.need("regex"), text):
        if first >= at:
            parts += [text[at:first], new]
            at = last
    return bounded("".join([*parts, text[at:]]))


def _extract_emails(value: Value, args: Arguments) -> Value:
    found = patterns.all_matches(_EMAIL, text_of(value), "")
    return list(found)


def _cut(value: Value, args: Arguments) -> Value:
    """The chosen parts (one-based), joined again."""
    delimiter = args.text("delimiter")
    delimiter = "" if delimiter == "''" else delimiter
    if not delimiter:
        raise OperatorFailed("argument 'delimiter' is missing")
    parts = text_of(value).split(delimiter)
    chosen = words(args.need("fields"))
    for number in chosen:
        if not (number.isascii() and number.isdigit() and 0 < int(number[:9]) <= len(parts)):
            raise OperatorFailed(f"field {number!r}: there are 1 to {len(parts)}")
    return bounded(delimiter.join(parts[int(number) - 1] for number in chosen))


TABLE: Final[Mapping[str, Transformer]] = {
    "RegexGroups": items(_regex_groups),
    "RegexExtractAll": items(_regex_extract_all),
    "ReplaceMatchGroup": items(_replace_match_group),
    "ExtractEmailTransformer": items(_extract_emails),
    "Cut": items(_cut),
    "StringToArray": items(lambda v, a: json.dumps([json_of(v)])),
}
