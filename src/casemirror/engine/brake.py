"""Safety brakes: a lane that is about to close, or to lose, too much at once stops and asks (rule 10).

A remote that lost its data, a wrong address, or an integration gone wrong, looks like a remote that closed or deleted
everything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from casemirror.engine.turn import Turn
from casemirror.model.errors import BrakePulled
from casemirror.store import links

if TYPE_CHECKING:
    from sqlalchemy import Connection

GONE_WITHIN: Final = timedelta(hours=1)
"""Objects that went missing within that time are counted together: looks at them come one by one."""


def mind_close(turn: Turn, tx: Connection) -> None:
    """Count a close by mirroring; raises BrakePulled when one more would be too large a share at once."""
    closed = turn.lane.closed_this_cycle
    refuse_closes(turn, tx, closed, closed)
    turn.note(tx, closed_this_cycle=closed + 1)


def refuse_closes(turn: Turn, tx: Connection, closed: int, written: int) -> None:
    """Raise BrakePulled when one more close after `closed` ones in this cycle is too much; `written` of them are stored."""
    open_ = links.open_count(tx, turn.instance.id, at_most=_enough(turn, closed)) + written
    if _is_too_much(turn, closed + 1, open_):
        share = turn.settings.count("mirror.brake.closed")
        raise BrakePulled(
            f"{turn.instance.name} would close more than {share} % of its {open_} open incidents at once; {_go_on(turn)}"
        )


def refuse_gone(turn: Turn, tx: Connection) -> None:
    """Raise BrakePulled when one more object that is not there, after those of the last hour, is too much."""
    gone = links.gone_since(tx, turn.instance.id, turn.app.clock.now() - GONE_WITHIN)
    linked = links.open_count(tx, turn.instance.id, at_most=_enough(turn, gone))
    if _is_too_much(turn, gone + 1, linked):
        raise BrakePulled(
            f"{turn.instance.name} says that {gone + 1} of the objects of its {linked} open incidents are not there, all within "
            f"an hour; the address or the rights of its user may be wrong: {_go_on(turn)}"
        )


def _enough(turn: Turn, count: int) -> int:
    """So many open incidents are enough to go on."""
    share = turn.settings.count("mirror.brake.closed")
    return max(turn.settings.count("mirror.brake.minimum"), (count + 1) * 100 // share + 1) if share else 0


def _is_too_much(turn: Turn, count: int, of: int) -> bool:
    share, minimum = turn.settings.count("mirror.brake.closed"), turn.settings.count("mirror.brake.minimum")
    is_off = turn.lane.brake_off_until is not None and turn.app.clock.now() < turn.lane.brake_off_until
    return bool(share) and of >= minimum and not is_off and count * 100 > share * of


def _go_on(turn: Turn) -> str:
    return f"look there, then `casemirror instance enable {turn.instance.name}` lets it go on"
