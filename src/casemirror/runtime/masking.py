"""Takes secrets out of texts that people and log files will see.   Source: design §4, MIR-194."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "<secret>"

SHORTEST: Final = 4
"""Characters; masking shorter texts would shred ordinary words, and with them the error texts that the engine reads."""

_SHORTEST_LINE: Final = 16
"""Characters of a line of a longer secret (a private key) that is masked alone: logs show such texts line by line."""


class Masker:
    """Masks some secrets in all the forms in which they may turn up."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)

    def __call__(self, text: str) -> str:
        """The text with every known secret replaced by `MASK`."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        forms = {form for secret in self._secrets for form in _forms(secret) if len(form) >= SHORTEST}
        # the longest first: a secret may be a part of another one's encoded form
        return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < SHORTEST:
        return
    yield from (
        secret,
        quote(secret, errors="replace"),
        quote(secret, "", errors="replace"),
        quote_plus(secret, errors="replace"),
    )
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from _base64_forms(secret.encode("utf-8", "replace"))
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Base64 of the secret alone, and what of it is sure to show when it stands inside a longer text (`user:secret`)."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode()
        for before in range(3):
            text = encode(b"\0" * before + secret).decode()
            first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
            if last - first >= SHORTEST + 2:
                yield text[first:last]


def secret_texts(value: object) -> list[str]:
    """Every text inside a secret (a credentials object holds several); a user name beside a password is none."""
    if isinstance(value, Mapping):
        return [text for name, inner in value.items() if name != "identifier" for text in secret_texts(inner)]
    return [value] if isinstance(value, str) and value else []
