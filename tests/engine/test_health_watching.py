"""What a lane goes through → the state of its instance, told once; what mirroring does → counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from casemirror.actions import budgets, instances, metrics
from casemirror.actions import drift as drift_action
from casemirror.actions import health as action
from casemirror.engine import notices
from casemirror.engine.health import Watch
from casemirror.engine.notices import NoticeFailed, Target
from casemirror.model.errors import Invalid
from casemirror.model.health import State
from casemirror.model.values import Json, time_text
from casemirror.store import budgets as budget_store
from casemirror.store import notices as store
from support.desk import FETCH, POLL, PULL, Remote, error, raised
from support.world import ANALYST, HOUR, MINUTE, World

HOOK = "http://user:pass@127.0.0.1:1/services/t0ken?key=s3cret"


@dataclass
class Letterbox:
    """A target that keeps what it is sent, or fails."""

    id: str
    fails: int = 0
    got: list[Mapping[str, Json]] = field(default_factory=list)
    shown: str = "a letterbox"

    def send(self, body: Mapping[str, Json]) -> None:
        """Take it, unless it is to fail."""
        if self.fails:
            self.fails -= 1
            raise NoticeFailed("a letterbox answered with status 500")
        self.got.append(dict(body))


@pytest.fixture
def box(world: World, monkeypatch: pytest.MonkeyPatch) -> Letterbox:
    """The one place that notices go to."""
    made = Letterbox("webhook 1")
    found: list[Target] = [made]
    monkeypatch.setattr(notices, "targets", lambda tx: (found, []))
    return made


def state(world: World, name: str = "desk") -> tuple[State, str]:
    (found,) = action.show(world.app, ANALYST, name)
    return found.health.state, found.health.reason


def counted(world: World, name: str = "desk") -> dict[str, float]:
    """Every metric of an instance that has no label but its name."""
    return {
        sample.name.removeprefix("casemirror_"): sample.value
        for family in metrics.collect(world.app, ANALYST)
        for sample in family.samples
        if sample.labels == {"instance": name}
    }


def ready(world: World) -> Remote:
    """An instance with one incident that agrees, after a good poll."""
    desk = world.instance()
    world.mirror(desk.ticket())
    world.cycle()
    return desk


def test_a_failing_poll_shows_until_one_is_good(world: World) -> None:
    """The state follows the last poll, not the one before."""
    desk = ready(world)
    assert state(world) == (State.OK, "")
    desk.next_answer(POLL, error("401 Unauthorized"))
    world.cycle()
    found, reason = state(world)
    assert found is State.FAILING
    assert reason.startswith("the last poll failed: ") and "401 Unauthorized" in reason
    world.cycle()
    assert state(world) == (State.OK, "")


def test_a_failing_fetch_shows_until_one_is_good(world: World) -> None:
    """Good polls between do not hide it, and its error does not stay when it is over."""
    desk = world.instance(fetches=True)
    desk.next_answer(FETCH, error("no such table"), error("no such table"))
    world.cycle()
    world.mirror(desk.ticket(), settle=False)
    world.cycle()
    assert state(world)[0] is State.FAILING
    world.cycle(2)
    assert state(world) == (State.OK, "")
    assert (world.lane().last_error, world.lane().fetch_error) == ("", "")


def test_a_rate_limit_is_a_wait_and_no_failure(world: World) -> None:
    """MIR-064: it says for how long."""
    desk = ready(world)
    desk.next_answer(POLL, error("API rate limit, retry after 600 s"))
    world.cycle()
    found, reason = state(world)
    assert found is State.WAITING
    assert "API rate limit" in reason
    world.clock.turn(599)
    assert state(world)[0] is State.WAITING
    world.clock.turn(2)
    world.work()
    assert state(world) == (State.OK, "")


def test_links_that_fail_make_it_degraded_and_all_of_them_failing(world: World) -> None:
    """Rule 9: a failing link waits alone."""
    desk = ready(world)
    desk.change("T1", state="working")
    desk.next_answer(PULL, raised("ValueError", "what is this?"))
    world.cycle()
    assert state(world) == (State.FAILING, "no link works: 1 link fails")
    world.mirror(desk.ticket(), settle=False)
    assert state(world) == (State.DEGRADED, "1 link fails")
    world.clock.turn(HOUR)
    world.work()
    assert state(world) == (State.OK, "")


def test_an_instance_without_its_integration_is_failing(world: World) -> None:
    """What cannot run at all says why."""
    ready(world)
    with world.store.write() as tx:
        tx.exec_driver_sql("DELETE FROM content_item WHERE kind = 'integration'")
        tx.exec_driver_sql("UPDATE counter SET value = value + 1")
    world.cycle()
    found, reason = state(world)
    assert found is State.FAILING
    assert "Desk" in reason


def test_a_change_is_logged_and_told_once_however_many_look(world: World, box: Letterbox) -> None:
    """Two servers on one database."""
    desk = ready(world)
    one, two = Watch(world.app), Watch(world.other())
    one()
    two()
    desk.next_answer(POLL, error("401"))
    world.cycle()
    with capture_logs() as logs:
        one()
        two()
        one()
        notices.deliver(world.app)
        notices.deliver(world.other())
    told = [line for line in logs if line["event"] == "instance.health"]
    assert [(t["instance"], t["state"], t["former"]) for t in told] == [("desk", "failing", "ok")]
    assert "401" in told[0]["reason"]
    (body,) = box.got
    assert body.keys() == {"id", "instance", "state", "former", "reason", "since", "version", "text"}
    assert (body["instance"], body["state"], body["former"]) == ("desk", "failing", "ok")
    lines = action.history(world.app, ANALYST, "desk")
    assert [(line.former, line.state) for line in lines] == [("ok", "failing"), ("", "ok")]


def test_only_the_chosen_states_are_told(world: World, box: Letterbox) -> None:
    """`notify.states`: on entering one, and on leaving it."""
    ready(world)
    watch = Watch(world.app)
    watch()
    world.set(notify__states="paused")
    instances.disable(world.app, ANALYST, "desk")
    watch()
    instances.enable(world.app, ANALYST, "desk")
    watch()
    world.set(notify__states="failing")
    instances.disable(world.app, ANALYST, "desk")
    watch()
    notices.deliver(world.app)
    assert [(body["former"], body["state"]) for body in box.got] == [("ok", "paused"), ("paused", "ok")]


def test_a_notice_that_fails_is_tried_again_ever_later_and_survives_a_restart(world: World, box: Letterbox) -> None:
    """At least once: 10 s, 20 s, … after each failure; the lane does not wait for it."""
    ready(world)
    Watch(world.app)()
    instances.disable(world.app, ANALYST, "desk")
    Watch(world.app)()
    box.fails = 2
    with capture_logs() as logs:
        notices.deliver(world.app)
        world.clock.turn(9)
        notices.deliver(world.app)
        assert box.fails == 1
        world.restart()
        world.clock.turn(1)
        notices.deliver(world.app)
        world.clock.turn(20)
        notices.deliver(world.app)
    waits = [line["wait_s"] for line in logs if line["event"] == "notice.failed"]
    assert (waits, len(box.got)) == ([10.0, 20.0], 1)
    with world.store.read() as tx:
        assert store.waiting(tx) == 0


def test_a_notice_whose_sender_died_is_sent_by_another(world: World, box: Letterbox, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Killed between the call and the note of its outcome: twice rather than never."""
    ready(world)
    Watch(world.app)()
    instances.disable(world.app, ANALYST, "desk")
    Watch(world.app)()
    with monkeypatch.context() as dying:
        dying.setattr(store, "arrived", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            notices.deliver(world.app)
    notices.deliver(world.other())
    assert len(box.got) == 1
    world.clock.turn(notices.TAKEN.total_seconds())
    notices.deliver(world.other())
    assert len(box.got) == 2
    assert box.got[0]["id"] == box.got[1]["id"]


def test_a_notice_is_given_up_after_days(world: World, box: Letterbox) -> None:
    """It tells nothing any more; the log says so."""
    ready(world)
    Watch(world.app)()
    instances.disable(world.app, ANALYST, "desk")
    Watch(world.app)()
    box.fails = 1
    world.clock.turn(notices.GIVE_UP.total_seconds())
    with capture_logs() as logs:
        notices.deliver(world.app)
    assert [line["event"] for line in logs] == ["notice.given_up"]
    world.clock.turn(HOUR)
    notices.deliver(world.app)
    assert box.got == []


def test_a_server_that_begins_calls_nobody_late(world: World) -> None:
    """Nobody served for a day: the first cycles are under way; if none comes, it says so."""
    ready(world)
    Watch(world.app)()
    world.clock.turn(24 * HOUR)
    watch = Watch(world.app)
    watch()
    assert [line.state for line in action.history(world.app, ANALYST, "desk")] == ["ok"]
    world.clock.turn(3 * MINUTE + 1)
    watch()
    (late, _) = action.history(world.app, ANALYST, "desk")
    assert (late.state, "is a server running?" in late.reason) == ("degraded", True)


def test_mail_without_a_server_is_told_and_stops_no_webhook(world: World) -> None:
    """What is wrong with the settings is said, with the name of the setting; nothing shows an address."""
    world.set(notify__email__to="a@example.com", notify__webhook=HOOK)
    with world.store.read() as tx:
        found, wrong = notices.targets(tx)
    assert [target.shown for target in found] == ["http://127.0.0.1:1/…"]
    assert len(wrong) == 1 and "notify.email.from and notify.email.server" in wrong[0]
    assert "t0ken" not in repr(found)
    with pytest.raises(Invalid, match=r"notify\.email\.server"):
        action.test(world.app, ANALYST)
    world.set(notify__email__from="nobody", notify__email__server="127.0.0.1:1")
    with pytest.raises(Invalid, match="'nobody' in notify.email.to or notify.email.from is no e-mail address"):
        action.test(world.app, ANALYST)
    world.set(notify__email__to="")
    assert action.test(world.app, ANALYST) == [
        action.Trial(target="http://127.0.0.1:1/…", error="http://127.0.0.1:1/… cannot be reached")
    ]


def test_what_mirroring_does_is_counted(world: World) -> None:
    """Seen, applied, pushed, echoes, lag: each in the transaction that it tells of."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    before = counted(world)
    world.clock.turn(40)
    desk.change("T1", state="working")
    world.clock.turn(20)
    desk.takes_s = 4.0
    world.work()
    desk.takes_s = 0.0
    after = counted(world)
    grown = {name: after[name] - before[name] for name in after if after[name] != before.get(name)}
    assert grown["changes_seen_total"] >= 1
    assert grown["changes_applied_total"] == 1
    assert grown["inbound_lag_seconds_count"] == 1
    assert 4.0 <= grown["inbound_lag_seconds_sum"] <= 8.0
    assert world.link(incident).named_at is None
    world.edit(incident, details="said here")
    world.work()
    world.cycle()
    last = counted(world)
    assert last["changes_pushed_total"] == after["changes_pushed_total"] + 1
    assert last["echoes_suppressed_total"] == after["echoes_suppressed_total"] + 1
    assert last["changes_applied_total"] == after["changes_applied_total"]


def test_drift_is_shown_as_it_was_measured(world: World) -> None:
    """Measuring costs a look at every link: a scrape shows the last figure, and when it was."""
    desk = ready(world)
    assert "drift_links" not in counted(world)
    world.mirror(desk.ticket(), settle=False)
    drift_action.measure(world.app, ANALYST)
    found = counted(world)
    assert (found["drift_links"], found["drift_measured_timestamp_seconds"]) == (1, world.clock.now().timestamp())
    world.cycle()
    assert counted(world)["drift_links"] == 1


def test_an_object_that_says_when_it_changed_gives_the_age_of_changes(world: World) -> None:
    """By the remote's clock, and only what changed since the pull before: linking an old ticket is no old change."""
    desk = world.instance()
    ticket = desk.ticket()
    desk.extra = {"lastModified": "2020-01-01T00:00:00Z"}
    world.mirror(ticket)
    world.cycle()
    assert counted(world)["inbound_age_seconds_count"] == 0
    desk.change("T1", state="working")
    desk.extra = {"lastModified": time_text(world.clock.now())}
    world.clock.turn(45)
    world.cycle()
    found = counted(world)
    assert (found["inbound_age_seconds_count"], found["inbound_age_seconds_sum"]) == (1, 45 + world.interval_s)


def test_what_is_left_of_a_budget_is_shown_where_there_is_one(world: World) -> None:
    desk = ready(world)
    assert "budget_left_requests" not in counted(world)
    budgets.put(world.app, ANALYST, desk.instance, 10, 60)
    with world.store.write() as tx:
        budget_store.book(tx, world.lane(desk.instance).instance_id, "who", 3, world.clock.now())
    found = counted(world)
    assert (found["budget_requests"], found["budget_left_requests"]) == (10, 7)
