"""The lane: the line of work of one instance, and who owns it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from casemirror.model.ids import InstanceId, LaneId


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One line of work.

    epoch          grows with every change of owner; a writer with an older one is refused
    lease_until    the owner has it until then, unless its heartbeat goes stale before
    not_before     nothing is done until then (a rate limit for writes, a database that fails); `not_before_reason` says why
    in_not_before  the remote is asked nothing until then (rate limit, skipped poll), but changes made here are sent
    held_reason    not empty: a safety brake stopped it, and a person must say go on
    poll_error, fetch_error  why the last cycle, or the last fetch, went wrong; empty: it did not
    good_poll_at   start of the last cycle that went well, whether or not there was anything to ask
    cursor_at      start of the last good poll
    closed_this_cycle  incidents that mirroring closed since the last poll; brake_off_until: a person let the lane go on
    late_s, late_at  how late the latest change came that an earlier poll should have told, and when that was seen
    late_count     how many such changes came
    ids_lately     mean of how many ids a poll names; `silences`: empty answers in a row that were not believed
    page_at        start of a poll whose answer was a full page: its rows are pulled before the cursor moves
    sweep_before   a poll may have left something out: links that were not pulled since then are, in the background
    cap_*          what is known of get-modified-remote-data and get-remote-data: unknown, yes, no (until …)
    """

    id: LaneId
    instance_id: InstanceId
    number: int = 0
    owner: str = ""
    epoch: int = 0
    lease_until: datetime | None = None
    not_before: datetime | None = None
    not_before_reason: str = ""
    in_not_before: datetime | None = None
    in_not_before_reason: str = ""
    held_reason: str = ""
    poll_error: str = ""
    fetch_error: str = ""
    good_poll_at: datetime | None = None
    cursor_at: datetime | None = None
    cap_modified: str = "unknown"
    cap_modified_until: datetime | None = None
    cap_remote: str = "unknown"
    cap_remote_until: datetime | None = None
    next_poll_at: datetime | None = None
    next_fetch_at: datetime | None = None
    poll_asked_at: datetime | None = None
    last_poll_at: datetime | None = None
    last_poll_s: float | None = None
    last_error: str = ""
    skipped_cycles: int = 0
    rate_limit_hits: int = 0
    failed_in: int = 0
    failed_out: int = 0
    pulls_this_cycle: int = 0
    closed_this_cycle: int = 0
    brake_off_until: datetime | None = None
    late_s: float = 0.0
    late_at: datetime | None = None
    late_count: int = 0
    ids_lately: float = 0.0
    silences: int = 0
    page_at: datetime | None = None
    sweep_before: datetime | None = None

    def may_ask(self, now: datetime) -> bool:
        """The remote may be asked for something (polled, fetched from, pulled)."""
        return self.in_not_before is None or self.in_not_before <= now

    def can_poll(self, now: datetime) -> bool:
        """get-modified-remote-data is not known to be missing (or it is time to try again)."""
        return not (self.cap_modified == "no" and self.cap_modified_until and now < self.cap_modified_until)

    def can_pull(self, now: datetime) -> bool:
        """get-remote-data is not known to be missing (or it is time to try again)."""
        return not (self.cap_remote == "no" and self.cap_remote_until and now < self.cap_remote_until)
