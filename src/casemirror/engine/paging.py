"""What an answer of get-modified-remote-data may have left out: a page that came full, and a silence after many changes.

The contract knows no paging: an integration that lists one page (often 100 rows) loses the rest once the cursor moves on.
Source: mirroring.md §2.4; docs/decisions/0013.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemirror.engine.app import log
from casemirror.model.values import Json
from casemirror.store import links

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.engine.turn import Turn

ROUND = frozenset({50, 100, 150, 200, 250, 300, 400, 500, 1000, 2000, 2500, 5000, 10000})
"""Sizes that pages have."""
SMALLEST = 10
"""A limit below that is not taken for the size of a page: so many rows come by chance."""
SILENCES = 3
"""So many empty answers in a row are believed, whatever came before."""
WEIGHT = 0.3
"""Weight of the newest poll in the mean of how many ids a poll names."""


def is_full(count: int, params: Mapping[str, Json]) -> bool:
    """An answer with so many ids may be a page that came full: a usual size, or one of the instance's own limits."""
    limits = {_number(value) for name, value in params.items() if _limits(name)}
    return count >= SMALLEST and (count in ROUND or count in limits)


def _limits(name: str) -> bool:
    plain = name.lower().replace("_", "")
    return any(word in plain for word in ("limit", "max", "pagesize", "perfetch"))


def _number(value: Json) -> int:
    return int(value) if isinstance(value, str) and value.isdigit() else value if isinstance(value, int) else 0


def note_answer(turn: Turn, tx: Connection, count: int, started: datetime) -> None:
    """Move the cursor to where a poll began that named so many ids, unless it may have left something out.

    A full page: the cursor stays until its rows were pulled (`leave_page`). Nothing at all after many: it stays, too, and the
    same is asked again; the third such answer is believed. Whatever may be missing is looked for in the background.
    """
    strict = not turn.settings.seconds("mirror.overlap")
    full = not strict and is_full(count, turn.instance.params)
    odd = not strict and not count and turn.lane.ids_lately >= turn.settings.count("mirror.brake.minimum")
    silences = turn.lane.silences + 1 if odd else 0
    columns: dict[str, Any] = {"silences": silences % SILENCES, "page_at": started if full else None}
    if odd and silences < SILENCES:
        log.warning(
            "poll.silent", instance=turn.instance.name, ids_lately=round(turn.lane.ids_lately, 1), times=silences
        )
    else:
        columns["ids_lately"] = count if odd else turn.lane.ids_lately + WEIGHT * (count - turn.lane.ids_lately)
    if odd and silences == SILENCES or full:
        columns["sweep_before"] = started
    if full:
        log.warning("poll.full", instance=turn.instance.name, ids=count)
    if not (full or columns["silences"]):
        columns["cursor_at"] = started
    turn.note(tx, **columns)


def leave_page(turn: Turn) -> bool:
    """The rows of a full page were pulled: move the cursor to the last one of them; whether the next page is to be asked for now.

    Rows that do not say when they changed, or that bring us no further, are left behind: the sweep finds what is missing.
    """
    if turn.lane.page_at is None:
        return False
    with turn.write() as tx:
        last = links.last_change(tx, turn.instance.id, since=turn.lane.page_at)
        page_at, before = turn.lane.page_at, turn.lane.cursor_at
        moves = last is not None and last < page_at and (before is None or last > before)
        turn.note(tx, page_at=None, cursor_at=last if moves else page_at)
    return moves
