"""Operators that are scripts upstream, as functions of ours: no script is run for them.

The defaults that the scripts declare for their arguments are part of them (MAP-060).   Source: content.md §3.5, §4.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, unquote

from casemirror.mapping import dates, transform_language
from casemirror.mapping.operators import Arguments, Transformer, items, wholes
from casemirror.mapping.transformers.texts import scalar_text
from casemirror.mapping.value import OperatorFailed, Value, absent, as_list, json_of, shorten, text_of
from casemirror.model.values import Json

_LEADING_INTEGER: Final = re.compile(r"\s*([+-]?\d{1,18})")


def _time_stamp_to_date(value: Value, args: Arguments) -> Value:
    """Epoch seconds or milliseconds → UTC with milliseconds.   Source: MAP-050."""
    match = _LEADING_INTEGER.match(scalar_text(value))
    if match is None:
        raise OperatorFailed(f"{shorten(value)} is no time stamp")
    at = dates.from_epoch(int(match[1]))
    return at.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{at.microsecond // 1000:03d}Z"


def _date_string_to_iso(value: Value, args: Arguments) -> Value:
    """A free date → ISO text; what is no date stays as it is. Beware: `dayfirst` is true unless given.   Source: row 9."""
    at = dates.parse_parts(
        scalar_text(value),
        dayfirst=args.flag("dayfirst", default=True),
        yearfirst=args.flag("yearfirst", default=False),
        fuzzy=args.flag("fuzzy", default=True),
    )
    if at is None:
        return value
    if at.tzinfo is None and args.flag("add_utc_timezone", default=False):
        at = at.replace(tzinfo=UTC)
    return at.isoformat()


def _formatted_date_to_epoch(value: Value, args: Arguments) -> Value:
    """A date in the strptime form `formatter`, or any → epoch seconds; no zone means UTC.   Source: row 20."""
    form = args.text("formatter")
    at = _strptime(scalar_text(value), form) if form else dates.parse(value)
    return (at - dates.EPOCH) // timedelta(seconds=1)


def _strptime(text: str, form: str) -> datetime:
    try:
        at = datetime.strptime(text, form)  # noqa: DTZ007  a zone is added where the form has none
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, re.error):
        raise OperatorFailed(f"{shorten(text)} is no date of the form {form!r}") from None


def _map_values(value: Value, args: Arguments) -> Value:
    """Look the value's text up among `input_values`; without a hit it stays, as text.   Source: row 12; MAP-048, 049."""
    inputs, outputs = args.need("input_values").split(","), args.need("mapped_values").split(",")
    if len(inputs) != len(outputs):
        raise OperatorFailed(f"{len(inputs)} input_values, {len(outputs)} mapped_values")
    table = dict(zip(reversed(inputs), reversed(outputs), strict=True))
    if isinstance(value, list | tuple):
        return value
    found = _parsed(value)
    if isinstance(found, Mapping):
        return json.dumps({k: _mapped_part(table, k, v) for k, v in found.items()}, ensure_ascii=False)
    as_given, as_parsed = text_of(value), text_of(found)
    return table.get(as_given, table.get(as_parsed, as_given))


def _mapped_part(table: Mapping[str, str], key: str, value: Json) -> Json:
    text = text_of(value)
    return table.get(f"{key}: {text}", table.get(f"{key}:{text}", value))


def _parsed(value: Value) -> Json:
    """The value, JSON texts parsed."""
    if isinstance(value, str):
        try:
            parsed: Json = json.loads(value, parse_constant=_no_constant)
            return value if isinstance(parsed, list) else parsed
        except (ValueError, RecursionError):
            return value
    return json_of(value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _parse_json(value: Value, args: Arguments) -> Value:
    try:
        parsed: Json = json.loads(scalar_text(value), parse_constant=_no_constant)
    except ValueError:
        raise OperatorFailed("is no JSON") from None
    return parsed


def _column_keys(value: Value, args: Arguments) -> Value:
    """Keys of an object as grid columns have them: ASCII letters and digits, lower case.   Source: row 6; MAP-058."""
    if not isinstance(value, Mapping):
        raise OperatorFailed("is no object")
    return {re.sub(r"[^A-Za-z0-9]", "", key[:255]).lower(): inner for key, inner in value.items()}


def _set_if_empty(value: Value, args: Arguments) -> Value:
    """`defaultValue` for nothing; with `applyIfEmpty` (default) also for what is empty or says none.   Source: row 21."""
    if absent(value) or (args.flag("applyIfEmpty", default=True) and _is_hollow(value)):
        return args.value("defaultValue")
    return value


def _is_hollow(value: Value) -> bool:
    if isinstance(value, list | tuple) and len(value) == 1:
        return _is_hollow(value[0])
    if isinstance(value, str):
        return value.strip().lower() in ("", "none", "null")
    return value is None or value in ([], {}, ())


def _first(value: Value, args: Arguments) -> Value:
    return value[0] if isinstance(value, list | tuple) and value else value


def _last(value: Value, args: Arguments) -> Value:
    return value[-1] if isinstance(value, list | tuple) and value else value


def _single_element_list(value: Value, args: Arguments) -> Value:
    return value if isinstance(value, list | tuple) else [] if absent(value) or value == "" else [json_of(value)]


def _reverse(value: Value, args: Arguments) -> Value:
    return as_list(value)[::-1]


def _convert_all_except(value: Value, args: Arguments) -> Value:
    kept = [part.strip() for part in args.text("except").split(",")]
    return value if text_of(value) in kept else args.value("convertTo")


def _dt(value: Value, args: Arguments) -> Value:
    """A transform-language expression on the value.   Source: row 23; MAP-062."""
    return transform_language.evaluate(args.need("dt"), value, args.outside.now)


TABLE: Final[Mapping[str, Transformer]] = {
    "TimeStampToDate": items(_time_stamp_to_date),
    "DateStringToISOFormat": items(_date_string_to_iso),
    "FormattedDateToEpoch": items(_formatted_date_to_epoch),
    "MapValuesTransformer": items(_map_values),
    "ParseJSON": items(_parse_json),
    "ConvertKeysToTableFieldFormat": items(_column_keys),
    "ConvertAllExcept": items(_convert_all_except),
    "StripChars": items(lambda v, a: scalar_text(v).strip(a.need("chars"))),
    "URLEncode": items(lambda v, a: quote(scalar_text(v), safe=a.text("ignore_safe_character", "/"))),
    "URLDecode": items(lambda v, a: unquote(scalar_text(v))),
    "DT": items(_dt),
    "SetIfEmpty": wholes(_set_if_empty),
    "FirstArrayElement": wholes(_first),
    "GetFirstObject": wholes(_first),
    "LastArrayElement": wholes(_last),
    "ConvertToSingleElementArray": wholes(_single_element_list),
    "ReverseList": wholes(_reverse),
}
