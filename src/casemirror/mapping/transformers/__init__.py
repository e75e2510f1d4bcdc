"""All known transformers, and how one is applied to a value.   Source: content.md §3.4; MAP-040…043, MAP-063."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Scope, Transformer, bare
from casemirror.mapping.transformers import (
    addresses,
    choices,
    ext_filter,
    figures,
    lists,
    matches,
    numbers,
    scripts,
    sequences,
    tables,
    texts,
    times,
)
from casemirror.mapping.value import Value, absent, as_list
from casemirror.model.values import Json

KNOWN: Final[Mapping[str, Transformer]] = {
    **texts.TABLE,
    **numbers.TABLE,
    **lists.TABLE,
    **scripts.TABLE,
    **matches.TABLE,
    **times.TABLE,
    **figures.TABLE,
    **choices.TABLE,
    **sequences.TABLE,
    **tables.TABLE,
    **addresses.TABLE,
    **ext_filter.TABLE,
}


def find(name: str) -> Transformer | None:
    """The transformer with that name, a category prefix aside; None when it is unknown."""
    return KNOWN.get(name) or KNOWN.get(bare(name))


def apply(transformer: Transformer, value: Value, args: Arguments) -> Value:
    """Apply a transformer by its scope. Raises what the function raises (`value.FAILURES`).

    An item transformer maps over a list; lists that it returns for several items become one flat list.
    """
    if transformer.scope is Scope.WHOLE:
        return transformer.function(None if absent(value) else value, args)
    if transformer.scope is Scope.LIST:
        return transformer.function(as_list(value), args)
    if not isinstance(value, list | tuple):
        return value if absent(value) else transformer.function(value, args)
    results: list[Json] = []
    for item in value:
        if item is not None:
            found = transformer.function(item, args)
            results += as_list(found)
    return results
