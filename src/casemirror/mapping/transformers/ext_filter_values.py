"""The operators of `ExtFilter` that make another value: of each element, or of the whole value.

Source: public documentation of ExtFilter (operators); content.md §4.2 row 43.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from email.header import decode_header, make_header
from typing import Final, TypeAlias

from casemirror.mapping import patterns
from casemirror.mapping.transformers.ext_filter_conditions import full_match
from casemirror.mapping.transformers.ext_filter_language import parsed
from casemirror.mapping.value import OperatorFailed, absent, as_list, number_of, shorten, text_of
from casemirror.model.values import Json

Maker: TypeAlias = Callable[[Json, Json], Json]
"""value, filter → new value. Raises OperatorFailed."""

_ESCAPED: Final = re.compile(r"\\(?:(\d{1,2})|g<(\w+)>|(\\)|(n)|(t))|(\$)")
_FLAGS: Final = {"caseless": "(?i)", "dotall": "(?s)", "multiline": "(?m)"}
_WIDEST: Final = 20
"""Most blanks that JSON may be indented by."""


def parameters(filter_: Json) -> Mapping[str, Json]:
    """A filter of named parameters; none given is an empty one. Raises OperatorFailed."""
    if absent(filter_) or filter_ == "":
        return {}
    if not isinstance(filter_, Mapping):
        raise OperatorFailed(f"the filter is {shorten(filter_)} where an object of parameters belongs")
    return filter_


def _json_encode(value: Json, filter_: Json) -> Json:
    indent = parameters(filter_).get("indent")
    width = None if indent is None else int(number_of(indent))
    if width is not None and not 0 <= width <= _WIDEST:
        raise OperatorFailed(f"indent is {width}, it may be 0 to {_WIDEST}")
    return json.dumps(value, indent=width)


def _json_decode(value: Json, filter_: Json) -> Json:
    return parsed(text_of(value))


def _base64_encode(value: Json, filter_: Json) -> Json:
    return base64.b64encode(text_of(value).encode()).decode()


def _base64_decode(value: Json, filter_: Json) -> Json:
    try:
        return base64.b64decode(text_of(value), validate=True).decode()
    except ValueError:
        raise OperatorFailed(f"{shorten(value)} is no Base64 of a UTF-8 text") from None


def _digest(value: Json, filter_: Json) -> Json:
    algorithm = text_of(parameters(filter_).get("algorithm", "sha256"))
    try:
        return hashlib.new(algorithm, text_of(value).encode(), usedforsecurity=False).hexdigest()
    except (ValueError, TypeError):
        raise OperatorFailed(f"{algorithm!r} is no hash algorithm of fixed length") from None


def _decode_header(value: Json, filter_: Json) -> Json:
    """Encoded words of mail headers (RFC 2047) as text."""
    try:
        return str(make_header(decode_header(text_of(value))))
    except (ValueError, LookupError):
        raise OperatorFailed(f"{shorten(value)} is no mail header that can be decoded") from None


def _regex_replace(value: Json, filter_: Json) -> Json:
    """`matched`, its groups filled in, when the whole text matches `pattern`; else `unmatched`, by default the value."""
    told = parameters(filter_)
    if not isinstance(told.get("pattern"), str) or "matched" not in told:
        raise OperatorFailed("the filter lacks 'pattern', a text, or 'matched'")
    flags = "".join(flag for name, flag in _FLAGS.items() if text_of(told.get(name, False)).lower() == "true")
    pattern = flags + full_match(text_of(told["pattern"]))
    if isinstance(value, str) and patterns.found_in(pattern, value):
        return _expanded(told["matched"], pattern, value)
    return told.get("unmatched", value)


def _expanded(template: Json, pattern: str, text: str) -> Json:
    if isinstance(template, str):
        return patterns.substitute(pattern, _ESCAPED.sub(_dollar, template), text)
    if isinstance(template, Mapping):
        return {key: _expanded(part, pattern, text) for key, part in template.items()}
    return [_expanded(part, pattern, text) for part in template] if isinstance(template, list | tuple) else template


def _dollar(match: re.Match[str]) -> str:
    r"""``\1``, ``\g<name>`` and the escapes of Python's templates, as `patterns.substitute` has them."""
    number, name, backslash, newline, tabulator, _ = match.groups()
    if number or name:
        return f"${{{number or name}}}"
    return "\\" if backslash else "\n" if newline else "\t" if tabulator else "$$"


def _updated(value: Json, filter_: Json) -> Json:
    """Two objects become one; anything else is replaced."""
    return {**value, **filter_} if isinstance(value, Mapping) and isinstance(filter_, Mapping) else filter_


def _collected_values(value: Json, filter_: Json) -> Json:
    return [part for item in as_list(value) for part in (item.values() if isinstance(item, Mapping) else (item,))]


def _collected_keys(value: Json, filter_: Json) -> Json:
    return [key for item in as_list(value) if isinstance(item, Mapping) for key in item]


def _walk(value: Json) -> Iterator[tuple[bool, Json]]:
    """All keys (true) and leaves (false) of a tree, in order."""
    stack: list[tuple[bool, Json]] = [(False, value)]
    while stack:
        is_key, top = stack.pop()
        if isinstance(top, Mapping):
            stack += [pair for key in reversed(list(top)) for pair in ((False, top[key]), (True, key))]
        elif isinstance(top, list | tuple):
            stack += [(False, part) for part in reversed(top)]
        else:
            yield is_key, top


def _abort(value: Json, filter_: Json) -> Json:
    raise OperatorFailed(f"aborted with {json.dumps(value)[:200]}")


OF_ELEMENTS: Final[Mapping[str, Maker]] = {
    "json: encode": _json_encode,
    "json: decode": _json_decode,
    "base64: encode": _base64_encode,
    "base64: decode": _base64_decode,
    "digest": _digest,
    "email-header: decode": _decode_header,
    "regex: replace": _regex_replace,
}

OF_WHOLES: Final[Mapping[str, Maker]] = {
    "json: encode array": _json_encode,
    "is replaced with": lambda value, filter_: filter_,
    "is updated with": _updated,
    "appends": lambda value, filter_: [*as_list(value), *as_list(filter_)],
    "collects values": _collected_values,
    "collects keys": _collected_keys,
    "flattens with values": lambda value, filter_: [leaf for is_key, leaf in _walk(value) if not is_key],
    "flattens with keys": lambda value, filter_: [key for is_key, key in _walk(value) if is_key],
    "abort": _abort,
}
