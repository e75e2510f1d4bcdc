"""How late a remote tells its changes, and how far back a poll must ask therefore.

An integration may list what changed only some time after it changed (a search index lags), and a remote's clock may be
behind ours; both look the same: a change bears a time at which an earlier poll should have told it. Each object that is
pulled and bears the time of its last change is a measurement.   Source: docs/decisions/0013.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from casemirror.engine.app import log
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.model.settings import Settings
from casemirror.model.values import Fields, Json, parse_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.engine.turn import Turn

CHANGED_NAMES = frozenset(
    "changed changedat changedon datemodified lastchange lastchanged lastmodified lastmodifiedat lastmodifieddate "
    "lastmodifieddatetime lastmodifiedtime lastupdate lastupdated lastupdatedat lastupdatedtime lastupdatetime modificationtime "
    "modificationtimestamp modified modifiedat modifieddate modifiedon modifiedtime mtime sysupdatedon updated updatedat "
    "updateddate updatedon updatedtime updatetime".split()
)
"""Names of the time of an object's last change, without case, underscores and hyphens."""
REMEMBERED = timedelta(days=1)
"""A late change makes polls ask further back for that long."""
MARGIN = 1.5
"""How much further than the latest change."""
QUIET_PULLS = 2
"""After so many pulls that brought nothing new the next ones are spread."""
LATEST_EPOCH_S = 10_000_000_000
"""A larger number is no count of seconds, but of milliseconds."""


def overlap(settings: Settings, lane: Lane, now: datetime) -> timedelta:
    """What is taken off every `lastUpdate`: the setting, or more when the remote was seen to be late."""
    least, most = settings.seconds("mirror.overlap"), settings.seconds("mirror.overlap.max")
    if not least or lane.late_at is None or now - lane.late_at > REMEMBERED:
        return timedelta(seconds=least)
    return timedelta(seconds=max(least, min(most, MARGIN * lane.late_s)))


def changed_at(payload: Fields, now: datetime) -> datetime | None:
    """When the remote object was changed last, by its own account; None when it does not say, or says what cannot be."""
    found = [_time(value) for name, value in payload.items() if _plain(name) in CHANGED_NAMES]
    times = [at for at in found if at is not None and at <= now + REMEMBERED]
    return max(times, default=None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _time(value: Json) -> datetime | None:
    try:
        if isinstance(value, str) and not value.isdigit():
            return parse_time(value)
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
        seconds = number / 1000 if number > LATEST_EPOCH_S else number
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def lateness(link: Link, changed: datetime, cursor: datetime | None) -> timedelta:
    """How much later than it should have been a change was told; zero when it was in time or is no news.

    changed   when the object was changed, by its own account
    cursor    start of the last good poll
    """
    told_by = link.told_by or cursor
    if told_by is None or link.remote_changed_at is None or changed <= link.remote_changed_at:
        return timedelta(0)
    return max(told_by - changed, timedelta(0))


def again_at(turn: Turn, link: Link, now: datetime) -> datetime:
    """When an object that was named should be pulled: at once, unless the last pulls of it brought nothing new.

    A wide overlap names a changed object at each poll inside it. Then it is looked at more and more rarely, and still four
    times within the overlap at least; what is named is never dropped. Polls that come no more often than that are rare enough.
    """
    interval, longest = timedelta(seconds=turn.settings.interval_s), turn.overlap / 4
    if link.quiet_pulls < QUIET_PULLS or link.last_sync_at is None or interval >= longest:
        return now
    pause_s = interval.total_seconds() * 2.0 ** min(link.quiet_pulls - QUIET_PULLS + 1, 20)
    return max(now, link.last_sync_at + min(timedelta(seconds=pause_s), longest))


def learn(turn: Turn, tx: Connection, link: Link, payload: Fields, now: datetime) -> datetime | None:
    """Note how late the change came that a pull brought; returns when the object was changed last, if it says so.

    What came later than any poll asks back for was found by chance (a sweep, a pull before a push): how late it really is
    cannot be known, so the overlap is doubled.
    """
    changed = changed_at(payload, now)
    if changed is None:
        return link.remote_changed_at
    late, known = lateness(link, changed, turn.lane.cursor_at), turn.overlap
    if late and turn.lane.cap_modified == "yes":
        recent = turn.lane.late_at is not None and now - turn.lane.late_at <= REMEMBERED
        worst = max(min(late, 2 * known).total_seconds(), turn.lane.late_s if recent else 0.0)
        turn.note(tx, late_s=worst, late_at=now, late_count=turn.lane.late_count + 1)
        log.info("change.late", instance=turn.instance.name, incident=link.incident_id, late_s=late.total_seconds())
    return max(changed, link.remote_changed_at) if link.remote_changed_at else changed
