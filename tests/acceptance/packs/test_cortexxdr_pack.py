"""The Cortex XDR pack against the simulator: its commands run by the real runtime, and whole cycles by the real engine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import links
from casemirror.model.ids import IncidentId, LaneId
from casemirror.model.incident import Status
from casemirror.runtime.pool import ProcessRuntime
from casemirror.simulators.cortexxdr import CortexXdrSimulator
from casemirror.store import doubts
from support.mirror import ANALYST, BY_HAND, Mirror, eventually
from support.packs import PACKS, CommandError, Instance, comment

YML = PACKS / "CasemirrorCortexXDR/Integrations/CasemirrorCortexXDR/CasemirrorCortexXDR.yml"
LONG_AGO = "2020-01-01T00:00:00.000000Z"
CLOSING = {"closeReason": "Resolved", "closeNotes": "Host was cleaned.", "closingUserId": "bob"}


class Clock:
    """The remote's time, turned by hand; it starts in the past hour."""

    def __init__(self) -> None:
        self.now = float(int(time.time()) - 3600)

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float = 10.0) -> str:
        """Turn on; gives the new time as commands get it."""
        self.now += seconds
        return datetime.fromtimestamp(self.now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def xdr(clock: Clock) -> Iterator[CortexXdrSimulator]:
    with CortexXdrSimulator(clock=clock, seed=1) as simulator:
        yield simulator


def make_instance(
    runtime: ProcessRuntime, url: str, key: tuple[str, str] = ("1", "casemirror"), **params: Any
) -> Instance:
    credentials = {"identifier": key[0], "password": key[1]}
    return Instance(
        runtime=runtime,
        yml=YML,
        params={"url": url, "credentials": credentials, "mirror_direction": "Incoming And Outgoing", **params},
    )


@pytest.fixture
def instance(runtime: ProcessRuntime, xdr: CortexXdrSimulator) -> Instance:
    return make_instance(runtime, xdr.url)


def fetched(instance: Instance) -> list[str]:
    return [raw["incident_id"] for raw in instance.fetch()]


def updates(xdr: CortexXdrSimulator) -> int:
    """How often update_incident was called."""
    return int(xdr.state()["requests"].get("update_incident", 0))


class TestConnection:
    def test_a_good_set_up_is_ok_with_either_kind_of_key(
        self, runtime: ProcessRuntime, xdr: CortexXdrSimulator
    ) -> None:
        assert make_instance(runtime, xdr.url + "/").test() == "ok"
        assert make_instance(runtime, xdr.url, ("2", "casemirror"), key_type="Standard").test() == "ok"

    def test_what_is_wrong_with_it_is_told(self, runtime: ProcessRuntime, xdr: CortexXdrSimulator) -> None:
        with pytest.raises(CommandError, match="refused the API key.*clock"):
            make_instance(runtime, xdr.url, ("1", "wrong")).test()
        with pytest.raises(CommandError, match="refused the API key"):
            make_instance(runtime, xdr.url, key_type="Standard").test()
        with pytest.raises(CommandError, match="cannot be reached"):
            make_instance(runtime, "http://127.0.0.1:9/").test()
        xdr.set_faults(no_licence=True)
        with pytest.raises(CommandError, match="licence"):
            make_instance(runtime, xdr.url).test()

    def test_a_page_instead_of_data_is_told(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        xdr.set_faults(html=True)
        for run in (
            instance.test,
            instance.fetch,
            lambda: instance.modified(LONG_AGO),
            lambda: instance.pull("1", LONG_AGO),
        ):
            with pytest.raises(CommandError, match="an HTML page"):
                run()

    @pytest.mark.parametrize(("status", "wait_s"), [(429, 30.0), (500, 0.0)])
    def test_the_rate_limit_is_passed_on(
        self, instance: Instance, xdr: CortexXdrSimulator, status: int, wait_s: float
    ) -> None:
        """MIR-150: `API rate limit` in every command, whatever status it comes with."""
        remote = xdr.create()
        xdr.set_faults(refuse_rate=1.0, rate_limit_status=status, retry_after_s=wait_s)
        for run in (
            instance.fetch,
            lambda: instance.modified(LONG_AGO),
            lambda: instance.pull(remote, LONG_AGO),
            lambda: instance.push(remote, delta={"severity": "high", "assigned_user_mail": ""}),
        ):
            with pytest.raises(CommandError, match="API rate limit" + ("; retry after 30 s" if wait_s else "")):
                run()
        assert updates(xdr) == 1

    def test_a_role_that_only_reads_is_told(self, runtime: ProcessRuntime, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        viewer = make_instance(runtime, xdr.url, ("3", "viewer"))
        assert viewer.pull(remote, LONG_AGO).raw["incident_id"] == remote
        with pytest.raises(CommandError, match="role of the API key forbids"):
            viewer.push(remote, delta={"status": "under_investigation"})

    def test_the_mapper_editor_gets_the_fields(self, instance: Instance) -> None:
        (schema,) = instance.ask("get-mapping-fields")
        assert set(schema["Cortex XDR incident"]) == {"status", "severity", "assigned_user_mail", "resolve_comment"}


class TestFetch:
    def test_new_incidents_come_once_although_they_share_a_moment(
        self, runtime: ProcessRuntime, xdr: CortexXdrSimulator
    ) -> None:
        made = [xdr.create(f"number {number}") for number in range(7)]
        limited = make_instance(runtime, xdr.url, max_fetch="3")
        assert [fetched(limited) for _ in range(4)] == [made[:3], made[3:6], made[6:], []]
        late = xdr.create()
        assert fetched(limited) == [late]

    def test_more_than_a_page_of_one_moment(self, runtime: ProcessRuntime, xdr: CortexXdrSimulator) -> None:
        made = {xdr.create() for _ in range(205)}
        everything = make_instance(runtime, xdr.url, max_fetch="500")
        assert set(fetched(everything)) == made
        assert fetched(everything) == []

    def test_one_that_becomes_visible_late_is_not_lost(
        self, instance: Instance, xdr: CortexXdrSimulator, clock: Clock
    ) -> None:
        xdr.set_faults(late_index_s=30.0)
        late = xdr.create()
        clock.tick(10)
        shown = xdr.create()
        clock.tick(25)
        assert fetched(instance) == [late]
        clock.tick(10)
        assert fetched(instance) == [shown]

    def test_only_the_chosen_statuses(self, runtime: ProcessRuntime, xdr: CortexXdrSimulator, clock: Clock) -> None:
        xdr.close(xdr.create())
        wanted = xdr.create()
        chosen = make_instance(runtime, xdr.url, statuses=["new", "under_investigation"])
        assert fetched(chosen) == [wanted]
        clock.tick(600)
        assert fetched(chosen) == []

    def test_the_raw_object_is_whole(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        alerts = [{"severity": "critical", "host_name": "b"}, {"severity": "low", "host_name": "a"}]
        remote = xdr.create("Ransomware", alerts=alerts)
        (raw,) = instance.fetch()
        assert (raw["title"], raw["description"], raw["status"]) == ("Ransomware", "Ransomware", "new")
        assert (raw["severity"], raw["alert_severity"], raw["manual_severity"]) == ("critical", "critical", "")
        assert (raw["hosts"], raw["users"], raw["alert_count"]) == (["a:e1", "b:e1"], ["erin"], 2)
        assert raw["creation_time"].endswith(".000Z") and raw["assigned_user_mail"] == ""
        assert (raw["mirror_id"], raw["mirror_instance"]) == (remote, "instance-1")
        assert (raw["mirror_direction"], raw["mirror_tags"]) == ("Both", ["comments"])


class TestPoll:
    def test_whatever_changed_is_named(self, instance: Instance, xdr: CortexXdrSimulator, clock: Clock) -> None:
        closed, alerted, commented, starred, _ = (xdr.create() for _ in range(5))
        since = clock.tick()
        assert instance.modified(since) == []
        xdr.close(closed)
        xdr.alert(alerted)
        xdr.comment(commented, "hm")
        xdr.set(starred, starred=True)
        assert set(instance.modified(since)) == {closed, alerted, commented, starred}

    @pytest.mark.parametrize(("apart_s", "requests"), [(0.05, 3), (0.0, 4)])
    def test_all_pages_are_read(
        self, instance: Instance, xdr: CortexXdrSimulator, clock: Clock, apart_s: float, requests: int
    ) -> None:
        """Also when more than a page changed in one millisecond."""
        made = set()
        for _ in range(230):
            made.add(xdr.create())
            clock.now += apart_s
        assert set(instance.modified(LONG_AGO)) == made
        assert xdr.state()["requests"] == {"get_incidents": requests}

    def test_pages_in_disorder_lose_nothing(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        made = {xdr.create() for _ in range(130)}
        xdr.set_faults(disorder_rate=1.0)
        assert set(instance.modified(LONG_AGO)) == made


class TestPull:
    def test_a_pull_tells_everything_whenever_it_changed(
        self, instance: Instance, xdr: CortexXdrSimulator, clock: Clock
    ) -> None:
        remote = xdr.create()
        xdr.update(remote, assigned_user_mail="alice@example.com", manual_severity="low")
        later = clock.tick(3600)
        pulled = instance.pull(remote, later)
        assert (pulled.raw["assigned_user_mail"], pulled.raw["severity"], pulled.raw["alert_severity"]) == (
            "alice@example.com",
            "low",
            "medium",
        )
        assert pulled.reopened and pulled.closed is None and "alerts" not in pulled.raw

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("resolved_true_positive", "Resolved"),
            ("resolved_known_issue", "Resolved"),
            ("resolved_false_positive", "False Positive"),
            ("resolved_duplicate", "Duplicate"),
            ("resolved_duplicate_incident", "Duplicate"),
            ("resolved_other", "Other"),
        ],
    )
    def test_a_resolved_incident_closes(
        self, instance: Instance, xdr: CortexXdrSimulator, status: str, reason: str
    ) -> None:
        remote = xdr.create()
        xdr.close(remote, status, "cleaned")
        closed = instance.pull(remote, LONG_AGO).closed
        assert closed is not None and (closed["closeReason"], closed["closeNotes"]) == (reason, "cleaned")

    def test_closing_here_can_be_left_to_people(self, runtime: ProcessRuntime, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        xdr.close(remote)
        pulled = make_instance(runtime, xdr.url, close_incident=False).pull(remote, LONG_AGO)
        assert pulled.closed is None and pulled.raw["status"] == "resolved_true_positive"

    def test_what_is_not_there_is_told(self, instance: Instance) -> None:
        assert "Incident 77 was not found" in instance.pull("77", LONG_AGO).message

    def test_alerts_come_when_they_are_wanted_within_the_limit(
        self, runtime: ProcessRuntime, xdr: CortexXdrSimulator, clock: Clock
    ) -> None:
        """MIR-150: the eleventh look within a minute is refused as the contract says, and the next minute's is not."""
        wanted = make_instance(runtime, xdr.url, with_alerts=True)
        remote = xdr.create(alerts=[{"name": "B"}, {"name": "A", "severity": "high"}])
        rows = wanted.pull(remote, LONG_AGO).raw["alerts"]
        assert [(row["alert_id"], row["name"], row["severity"]) for row in rows] == [
            ("1", "B", "medium"),
            ("2", "A", "high"),
        ]
        for _ in range(9):
            wanted.pull(remote, LONG_AGO)
        with pytest.raises(CommandError, match="^API rate limit$"):
            wanted.pull(remote, LONG_AGO)
        clock.tick(61)
        assert wanted.pull(remote, LONG_AGO).raw["alerts"] == rows


class TestPush:
    def test_fields_go_in_one_request(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        delta = {"status": "under_investigation", "severity": "high", "assigned_user_mail": "bob@example.com"}
        assert instance.push(remote, delta=delta) == remote
        now = xdr.get(remote)
        assert (now["status"], now["manual_severity"], now["assigned_user_mail"]) == tuple(delta.values())
        instance.push(remote, delta={"assigned_user_mail": "", "severity": "unknown"})
        now = xdr.get(remote)
        assert (now["manual_severity"], now["assigned_user_mail"], updates(xdr)) == (None, None, 2)
        instance.push(remote, delta={"description": "not ours to change"})
        assert updates(xdr) == 2

    @pytest.mark.parametrize(
        ("by_alerts", "wanted", "sent"),
        [
            ("medium", "critical", "high"),
            ("critical", "critical", None),
            ("medium", "informational", "low"),
            ("informational", "informational", None),
        ],
    )
    def test_a_severity_that_people_cannot_set_comes_as_near_as_can_be(
        self, instance: Instance, xdr: CortexXdrSimulator, by_alerts: str, wanted: str, sent: str | None
    ) -> None:
        remote = xdr.create(alerts=[{"severity": by_alerts}])
        xdr.update(remote, manual_severity="medium")
        instance.push(remote, delta={"severity": wanted})
        assert xdr.get(remote)["manual_severity"] == sent

    def test_one_wrong_field_does_not_hold_up_the_others_nor_what_was_said(
        self, instance: Instance, xdr: CortexXdrSimulator
    ) -> None:
        remote = xdr.create()
        delta = {"status": "under_investigation", "severity": "low", "assigned_user_mail": "mallory@example.com"}
        with pytest.raises(CommandError, match="assigned_user_mail: .*belongs to no user"):
            instance.push(remote, delta=delta, entries=[comment("Still said")])
        now = xdr.get(remote)
        assert (now["status"], now["manual_severity"], now["assigned_user_mail"]) == (
            "under_investigation",
            "low",
            None,
        )
        assert xdr.comments(remote) == ["Still said\n\n— alice via casemirror"]

    def test_a_resolve_comment_waits_for_the_close(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        early = {"resolve_comment": "cleaned", "severity": "low"}
        with pytest.raises(CommandError, match="only for resolved incidents"):
            instance.push(remote, data={**early, "status": "new"}, delta=early)
        assert (xdr.get(remote)["manual_severity"], xdr.get(remote)["resolve_comment"]) == ("low", None)
        instance.push(remote, delta=early | CLOSING, status=2)
        assert xdr.get(remote)["resolve_comment"] == "cleaned"
        later = {"resolve_comment": "cleaned twice"}
        instance.push(remote, data={**later, "status": "resolved_true_positive"}, delta=later, status=2)
        assert xdr.get(remote)["resolve_comment"] == "cleaned twice"

    def test_nothing_can_be_created_and_that_is_said(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        reply = instance.raw_push(data={"severity": "high"}, casemirror={"status_changed": False})
        assert {"casemirror": {"unsent": [], "unknown": [], "record": "none"}} in reply.results
        reply.discard()
        with pytest.raises(CommandError, match="no call that creates one"):
            instance.push(data={"severity": "high"})
        assert xdr.all() == [] and xdr.state()["requests"] == {}

    def test_comments_go_out_and_a_file_is_named(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        file = comment("", 2) | {"type": 3, "file": "report.pdf"}
        instance.push(remote, entries=[comment("Looked into it"), file])
        first, second = xdr.comments(remote)
        assert first == "Looked into it\n\n— alice via casemirror"
        assert second.startswith("The file report.pdf was attached")

    def test_what_was_certainly_not_written_is_reported(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        """A refusal is certain; after a failure nobody knows."""
        remote = xdr.create()
        entries = [comment("One", 1), comment("Two", 2)]
        for fault, unsent in (
            ({"refuse_rate": 1.0}, ["2@7", "1@7"]),
            ({"refuse_rate": 0.0, "fail_after_write": 1}, ["2@7"]),
        ):
            xdr.set_faults(**fault)
            reply = instance.raw_push(remote, entries=entries, casemirror={"status_changed": False})
            assert {"casemirror": {"unsent": unsent, "unknown": [], "record": ""}} in reply.results
            reply.discard()
        assert len(xdr.comments(remote)) == 1


class TestClosing:
    @pytest.mark.parametrize(
        ("reason", "status"),
        [
            ("Resolved", "resolved_true_positive"),
            ("False Positive", "resolved_false_positive"),
            ("Duplicate", "resolved_duplicate"),
            ("Other", "resolved_other"),
        ],
    )
    def test_a_close_and_a_reopening_reach_the_incident(
        self, instance: Instance, xdr: CortexXdrSimulator, reason: str, status: str
    ) -> None:
        remote = xdr.create()
        for _ in range(2):
            instance.push(remote, delta=CLOSING | {"closeReason": reason}, status=2)
        now = xdr.get(remote)
        assert (now["status"], now["resolve_comment"], updates(xdr)) == (status, "Host was cleaned.", 1)
        instance.push(remote, incidentChanged=True, status=1)
        assert xdr.get(remote)["status"] == "under_investigation"
        instance.push(remote, incidentChanged=True, status=1)
        assert updates(xdr) == 2

    def test_a_status_that_people_chose_counts(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        instance.push(remote, delta=CLOSING | {"status": "resolved_security_testing"}, status=2)
        assert xdr.get(remote)["status"] == "resolved_security_testing"

    def test_one_that_is_resolved_stays_as_it_is(self, instance: Instance, xdr: CortexXdrSimulator) -> None:
        remote = xdr.create()
        xdr.close(remote, "resolved_known_issue", "known")
        instance.push(remote, delta=CLOSING | {"status": "under_investigation"}, status=2)
        assert (xdr.get(remote)["status"], xdr.get(remote)["resolve_comment"]) == ("resolved_known_issue", "known")

    def test_a_later_change_of_a_closed_incident_does_not_close_again(
        self, instance: Instance, xdr: CortexXdrSimulator
    ) -> None:
        remote = xdr.create()
        instance.push(remote, delta={"severity": "low"}, status=2)
        assert (xdr.get(remote)["status"], xdr.get(remote)["manual_severity"]) == ("new", "low")

    def test_the_statuses_can_be_chosen_and_closing_left_to_people(
        self, runtime: ProcessRuntime, xdr: CortexXdrSimulator
    ) -> None:
        remote = xdr.create()
        make_instance(runtime, xdr.url, close_ticket=False).push(remote, delta=CLOSING, status=2)
        assert xdr.get(remote)["status"] == "new"
        chosen = make_instance(runtime, xdr.url, closed_status="resolved_threat_handled", reopened_status="new")
        chosen.push(remote, delta=CLOSING, status=2)
        assert xdr.get(remote)["status"] == "resolved_threat_handled"
        chosen.push(remote, incidentChanged=True, status=1)
        assert xdr.get(remote)["status"] == "new"


# --- the engine with both sides


@pytest.fixture
def live() -> Iterator[CortexXdrSimulator]:
    with CortexXdrSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    tmp_path.chmod(0o755)
    made = Mirror(tmp_path)
    made.set(BY_HAND)
    made.install(PACKS / "CasemirrorCortexXDR")
    with contextlib.closing(made):
        yield made


@pytest.fixture
def lane_id(mirror: Mirror, live: CortexXdrSimulator) -> LaneId:
    given = {
        "url": live.url,
        "credentials.identifier": "1",
        "credentials.password": "casemirror",
        "isFetch": "true",
        "mirror_direction": "Incoming And Outgoing",
    }
    return mirror.instance("xdr", "casemirror Cortex XDR", given)


def turn_until(mirror: Mirror, lane_id: LaneId, check: Callable[[], bool]) -> None:
    """Pulls that bring no news are spread, so a change may come a turn later."""

    def turned() -> bool:
        mirror.turn(lane_id)
        return check()

    eventually(turned)


def here(mirror: Mirror, *names: str) -> tuple[Any, ...]:
    return tuple(mirror.incident(1).get(name) for name in names)


class TestCycles:
    def test_each_field_and_state_mirrors_both_ways_and_each_change_once(
        self, mirror: Mirror, live: CortexXdrSimulator, lane_id: LaneId
    ) -> None:
        """MIR-206: changed on either side, said, closed and opened on either side; further cycles write nothing."""
        remote = live.create("Ransomware on host-1", alerts=[{"severity": "critical"}])
        mirror.turn(lane_id)
        assert mirror.incident(1).type == "Cortex XDR Case"
        assert here(mirror, "name", "severity", "cortexstatus", "cortexincidentid", "cortexalertcount") == (
            "Ransomware on host-1",
            4,
            "new",
            remote,
            1,
        )

        live.update(remote, manual_severity="high", assigned_user_mail="alice@example.com")
        live.alert(remote, host_name="host-2", user_name="dave")
        live.set(remote, starred=True, notes="see the runbook", incident_name="Ransomware")
        mirror.turn(lane_id)
        assert here(mirror, "severity", "cortexassignee", "cortexassigneename", "name") == (
            3,
            "alice@example.com",
            "Alice Analyst",
            "Ransomware",
        )
        assert here(mirror, "cortexhosts", "cortexusers", "cortexstarred", "cortexnotes") == (
            ["host-1:e1", "host-2:e1"],
            ["dave", "erin"],
            True,
            "see the runbook",
        )

        mirror.edit(1, severity=1, cortexassignee="bob@example.com", cortexstatus="under_investigation")
        mirror.say(1, "on my way")
        mirror.turn(lane_id)
        now = live.get(remote)
        assert (now["manual_severity"], now["assigned_user_mail"]) == ("low", "bob@example.com")
        assert now["status"] == "under_investigation"
        assert live.comments(remote) == ["on my way\n\n— bob via casemirror"]

        mirror.shut(1, reason="Duplicate", notes="see 7")
        mirror.turn(lane_id)
        assert (live.get(remote)["status"], live.get(remote)["resolve_comment"]) == ("resolved_duplicate", "see 7")
        turn_until(mirror, lane_id, lambda: here(mirror, "cortexstatus") == ("resolved_duplicate",))

        mirror.reopen(1)
        mirror.turn(lane_id)
        assert live.get(remote)["status"] == "under_investigation"
        turn_until(mirror, lane_id, lambda: here(mirror, "cortexstatus") == ("under_investigation",))

        live.close(remote, "resolved_known_issue", "patched")
        turn_until(mirror, lane_id, lambda: mirror.incident(1).status is Status.CLOSED)
        assert here(mirror, "closeReason", "closeNotes", "cortexresolvecomment") == ("Resolved", "patched", "patched")
        live.update(remote, status="under_investigation", assigned_user_mail="none")
        turn_until(mirror, lane_id, lambda: mirror.incident(1).status is Status.ACTIVE)
        turn_until(mirror, lane_id, lambda: here(mirror, "cortexassignee", "cortexassigneename") == ("", ""))

        before, said = updates(live), mirror.texts(1)
        mirror.turn(lane_id, 3)
        assert updates(live) == before
        assert mirror.texts(1) == said and len(live.comments(remote)) == 1
        assert here(mirror, "severity") == (1,)
        assert not any(here(mirror, "incomingmirrorerror", "outgoingmirrorerror"))

    def test_a_comment_of_unknown_outcome_is_sent_again_and_noted(
        self, mirror: Mirror, live: CortexXdrSimulator, lane_id: LaneId
    ) -> None:
        """No call shows comments, so nobody can look: it may stand twice, and that is told."""
        remote = live.create()
        mirror.turn(lane_id)
        live.set_faults(fail_after_write=1)
        mirror.say(1, "once")
        mirror.turn(lane_id)
        links.retry(mirror.app, ANALYST, IncidentId(1))
        mirror.turn(lane_id)
        assert len(live.comments(remote)) == 2
        with mirror.app.store.read() as tx:
            assert doubts.count(tx, instance_name="xdr") == 1
        mirror.turn(lane_id, 2)
        assert len(live.comments(remote)) == 2

    def test_an_incident_that_is_there_is_linked_and_none_is_created(
        self, mirror: Mirror, live: CortexXdrSimulator, lane_id: LaneId
    ) -> None:
        mirror.create(name="from here")
        mirror.link(1, "xdr")
        mirror.turn(lane_id)
        (link,) = mirror.links(1)
        assert "no call that creates one" in link.error_out and live.all() == []
