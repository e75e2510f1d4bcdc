"""What no database can keep is taken out here: NUL characters, lone surrogates, numbers that are none.

They come from remotes, and from people who paste. PostgreSQL refuses them, SQLite keeps some; a lane that stumbled over
one would stumble for ever. A character becomes U+FFFD, NaN and the infinities become null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL = "\\u0000"


def text(value: str) -> str:
    """The text as both databases can keep it; nearly always the same object."""
    return value if value.isascii() and "\x00" not in value else _UNKEEPABLE.sub("\ufffd", value)


def to_json(value: Any) -> str:
    """A JSON value as text that both databases can keep."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_cleaned(value), ensure_ascii=False)
    keepable = _ESCAPED_NUL not in written and text(written) == written
    return written if keepable else json.dumps(_cleaned(value), ensure_ascii=False)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {text(name) if isinstance(name, str) else name: _cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
