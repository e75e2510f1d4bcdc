"""States, notices and counts in the database: noted once by whoever comes first. Over SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from casemirror.model.errors import Invalid
from casemirror.model.health import Counts, Health, State
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Conflict, Link
from casemirror.store import health, instances, links, metrics, notices, settings
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

MINUTE = timedelta(minutes=1)
FAR = timedelta(days=30)


def failing(since: datetime) -> Health:
    return Health(state=State.FAILING, reason="401", since=since)


def test_a_change_is_noted_by_the_first_who_sees_it(store: Store, instance: Instance, now: datetime) -> None:
    """Several servers on one database: the second one has seen nothing new."""
    ok = Health(state=State.OK, since=now)
    with store.write() as tx:
        assert health.change(tx, instance.id, None, ok)
    with store.write() as tx:
        assert not health.change(tx, instance.id, None, failing(now))
        assert health.change(tx, instance.id, ok, failing(now + MINUTE))
        assert not health.change(tx, instance.id, ok, failing(now + 2 * MINUTE))
    with store.read() as tx:
        assert health.noted(tx) == {instance.id: failing(now + MINUTE)}
        lines = [(line.former, line.state, line.at) for line in health.history(tx, instance.id, limit=9)]
    assert lines == [("ok", "failing", now + MINUTE), ("", "ok", now)]


@pytest.mark.parametrize("is_new", [True, False])
def test_of_many_servers_that_see_a_change_at_once_one_notes_it(
    store: Store, instance: Instance, now: datetime, is_new: bool
) -> None:
    """It is logged and told by that one; the others wait for its transaction and have seen nothing."""
    former = None if is_new else Health(state=State.OK, since=now)
    if former:
        with store.write() as tx:
            assert health.change(tx, instance.id, None, former)
    together = Barrier(6)

    def see(number: int) -> bool:
        together.wait(timeout=30)
        with store.write() as tx:
            return health.change(tx, instance.id, former, failing(now + number * MINUTE))

    with ThreadPoolExecutor(6) as servers:
        assert sum(servers.map(see, range(1, 7))) == 1
    with store.read() as tx:
        assert len(health.history(tx, instance.id, limit=9)) == (1 if is_new else 2)


def test_former_states_are_kept_for_some_time(
    store: Store, instance: Instance, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By age and by number, so that an instance that changes all the time fills no disk."""
    monkeypatch.setattr(health, "KEPT_MOST", 3)
    states = [Health(state=state, since=now) for state in (State.OK, State.FAILING)]
    with store.write() as tx:
        health.change(tx, instance.id, None, states[1])
        for number in range(1, 7):
            former, new = states[number % 2], Health(state=states[1 - number % 2].state, since=now)
            assert health.change(tx, instance.id, former, new)
        assert len(health.history(tx, instance.id, limit=9)) == 3
        last = Health(state=State.PAUSED, since=now + health.KEPT + MINUTE)
        assert health.change(tx, instance.id, states[1], last)
        assert [line.state for line in health.history(tx, instance.id, limit=9)] == ["paused"]


def test_the_counts_of_an_instance(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """Failing, held and in conflict; an instance without trouble has no line."""
    with store.write() as tx:
        assert health.counts(tx, now) == {}
        links.want(tx, link.id, now, priority=5, named=True)
        assert health.counts(tx, now)[instance.id] == Counts()
        assert metrics.work(tx, now + MINUTE)[instance.id] == metrics.Work(due=1, oldest_due_at=now)
        links.wait(tx, link.id, now + MINUTE)
        assert health.counts(tx, now)[instance.id] == Counts(failing=1, any_well=False)
        assert metrics.work(tx, now)[instance.id] == metrics.Work(failing=1)
        links.hold(tx, link.id, "look at it")
        links.save(tx, link.id, conflicts={"name": Conflict(remote="a", base="b", since=now)})
        assert health.counts(tx, now)[instance.id] == Counts(held=1, conflicts=1, any_well=False)


def test_one_good_link_is_enough_to_be_no_failure(
    store: Store, instance: Instance, link: Link, incident: Incident, now: datetime
) -> None:
    """Some links fail: degraded; all: failing."""
    with store.write() as tx:
        links.add(
            tx,
            incident_id=incident.id,
            instance_id=instance.id,
            instance_name="snow",
            remote_id="R2",
            direction=link.direction,
            since_at=now,
            primary=False,
        )
        links.want(tx, link.id, now, priority=5)
        links.wait(tx, link.id, now + MINUTE)
        assert health.counts(tx, now)[instance.id] == Counts(failing=1, any_well=True)


def test_a_link_knows_since_when_it_is_named(store: Store, link: Link, now: datetime) -> None:
    """The first naming since the last pull counts; a change that was made here names nothing."""
    with store.write() as tx:
        links.want(tx, link.id, now, priority=0)
        assert links.load(tx, link.id).named_at is None
        links.want(tx, link.id, now + MINUTE, priority=5, named=True)
        links.want(tx, link.id, now + 2 * MINUTE, priority=5, named=True)
        links.want(tx, link.id, now + 3 * MINUTE, priority=0)
        assert links.load(tx, link.id).named_at == now + MINUTE


def test_counts_grow_and_leave_with_their_instance(store: Store, instance: Instance) -> None:
    """Metrics live in the database."""
    with store.write() as tx:
        metrics.add(tx, instance.id, {metrics.SEEN: 2, metrics.ECHOES: 0, **metrics.observed(metrics.LAG, 7.5)})
        metrics.add(tx, instance.id, {metrics.SEEN: 3, **metrics.observed(metrics.LAG, 9)})
        metrics.put(tx, instance.id, {metrics.DRIFT_LINKS: 5})
        metrics.put(tx, instance.id, {metrics.DRIFT_LINKS: 4})
        for peak in (30, 70, 50):
            metrics.raise_to(tx, instance.id, metrics.MEMORY, peak)
        counted = metrics.all_of(tx)[instance.id]
        assert metrics.of_instance(tx, instance.id) == counted
        instances.remove(tx, instance.id)
        assert metrics.all_of(tx) == {}
    assert counted == {"seen": 5, "lag.10": 2, "lag.sum": 16.5, "drift.links": 4, "memory": 70}


@pytest.mark.parametrize(("seconds", "bucket"), [(-3, "lag.1"), (0, "lag.1"), (1, "lag.1"), (1.01, "lag.2"), (3600, "lag.3600"), (9999, "lag.inf")])  # fmt: skip
def test_a_lag_is_counted_in_the_first_bucket_that_holds_it(seconds: float, bucket: str) -> None:
    """The bound belongs to its bucket, as Prometheus has it."""
    assert metrics.observed(metrics.LAG, seconds) == {bucket: 1.0, "lag.sum": max(seconds, 0.0)}


def test_a_notice_is_taken_by_one_process(store: Store, now: datetime) -> None:
    """Nobody else sends it before the one who took it is taken for dead; then somebody does: at least once."""
    with store.write() as tx:
        notices.add(tx, ["email", "webhook 1"], {"id": "x"}, now)
    with store.write() as tx:
        mail, hook = notices.due(tx, now)
        assert notices.take(tx, mail, now + MINUTE)
        assert not notices.take(tx, mail, now + MINUTE)
        assert [n.target for n in notices.due(tx, now)] == ["webhook 1"]
        (again,) = (n for n in notices.due(tx, now + MINUTE) if n.target == "email")
        assert (again.attempts, again.body) == (1, {"id": "x"})
        assert notices.take(tx, hook, now + MINUTE)
        notices.arrived(tx, hook, now)
        assert notices.waiting(tx) == 1


def test_what_waits_for_a_target_waits_and_goes_together(store: Store, now: datetime) -> None:
    """A target that does not answer is tried by one notice at a time; once it answers all are due. Others keep their own."""
    with store.write() as tx:
        for _ in range(3):
            notices.add(tx, ["email", "webhook 1"], {}, now)
        mail, hook, *_ = notices.due(tx, now)
        for notice in (mail, hook):
            assert notices.take(tx, notice, now + FAR)
        notices.failed(tx, mail, "no answer", now + MINUTE, now)
        assert [n.target for n in notices.due(tx, now)] == ["webhook 1"] * 2
        first, *_ = (n for n in notices.due(tx, now + MINUTE) if n.target == "email")
        assert (first.id, first.attempts) == (mail.id, 1)
        assert notices.take(tx, first, now + FAR)
        notices.arrived(tx, first, now)
        assert Counter(n.target for n in notices.due(tx, now)) == {"email": 2, "webhook 1": 2}


def test_a_notice_that_is_given_up_is_not_due_and_is_forgotten(store: Store, now: datetime) -> None:
    """After a week nothing is left of it."""
    with store.write() as tx:
        notices.add(tx, ["email"], {}, now)
        (lost,) = notices.due(tx, now)
        assert notices.take(tx, lost, now)
        notices.failed(tx, lost, "no answer", None, now)
        assert (notices.due(tx, now + FAR), notices.waiting(tx)) == ([], 0)


def test_a_secret_setting_is_encrypted_and_rotated(store: Store) -> None:
    """Addresses of webhooks hold tokens: they are no part of what everybody reads, and another key does not open them."""
    with store.write() as tx:
        settings.put_secret(tx, "notify.webhook", "https://example.com/t0ken")
        assert settings.get_all(tx) == {}
        assert settings.secret_names(tx) == {"notify.webhook"}
        assert settings.secret(tx, "notify.webhook") == "https://example.com/t0ken"
        old, new = store.keys, KeyRing((bytes(range(1, 33)), bytes(range(32))))
        store.keys = new
        assert settings.rewrap_secrets(tx) == 1
        assert settings.secret(tx, "notify.webhook") == "https://example.com/t0ken"
        store.keys = old
        with pytest.raises(Invalid, match=r"setting/notify\.webhook"):
            settings.secret(tx, "notify.webhook")
        settings.remove(tx, "notify.webhook")
        assert settings.secret(tx, "notify.webhook") == ""
