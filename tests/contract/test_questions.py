"""What the engine, the commands and people ask of links, lanes and entries. Over SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from casemirror.model.entry import DeliveryState, NewEntry
from casemirror.model.errors import NotFound
from casemirror.model.ids import LaneId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link, LinkState
from casemirror.store import entries, incidents, instances, lanes, links
from casemirror.store.database import Store

HOUR = timedelta(hours=1)


def another(
    store: Store, instance: Instance, now: datetime, incident: Incident | None = None, **changes: object
) -> Link:
    with store.write() as tx:
        made = incident or incidents.create(tx, NewIncident(fields={}), now, status=Status.ACTIVE, actor="me")
        given = {"instance_id": instance.id, "instance_name": "snow", "remote_id": "R2", "direction": Direction.BOTH}
        return links.add(tx, incident_id=made.id, since_at=now, **{**given, **changes})  # type: ignore[arg-type]


def close(store: Store, link: Link, now: datetime) -> None:
    with store.write() as tx:
        incidents.save(tx, link.incident_id, 1, now=now, status=int(Status.CLOSED), closed_at=now)


def test_the_primary_link_is_the_one_that_is_shown(
    store: Store, instance: Instance, incident: Incident, link: Link, now: datetime
) -> None:
    """Design §1.5: others stand beside it, whichever came first."""
    second = another(store, instance, now, incident, primary=False)
    with store.write() as tx:
        assert links.primary_of(tx, incident.id) == link
        links.save(tx, link.id, primary=False)
        links.save(tx, second.id, primary=True)
        assert [found.id for found in links.of_incident(tx, incident.id)] == [second.id, link.id]
        links.delete(tx, second.id)
        assert links.primary_of(tx, incident.id) is None


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"direction": Direction.IN}, True),
        ({"direction": Direction.OUT}, False),
        ({"direction": Direction.NONE}, False),
        ({"remote_id": ""}, False),
        ({"state": LinkState.HELD}, False),
        ({"state": LinkState.PURGED}, False),
    ],
)
def test_only_active_links_with_a_remote_object_are_pulled(
    store: Store, instance: Instance, now: datetime, changes: dict[str, object], counts: bool
) -> None:
    """MIR-011, MIR-188: what polls, sweeps and the first cursor look at is the same set."""
    made = another(store, instance, now, **{k: v for k, v in changes.items() if k != "state"})
    with store.write() as tx:
        if "state" in changes:
            links.save(tx, made.id, state=changes["state"])
        assert [found.id for found in links.inbound(tx, instance.id)] == [made.id] * counts
        assert links.inbound_count(tx, instance.id) == int(counts)
        assert links.first_since(tx, instance.id) == (now if counts else None)
        assert [found.id for found in links.stale(tx, instance.id, now + HOUR, 20)] == [made.id] * counts


def test_the_longest_unseen_is_pulled_first(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """One that was never pulled counts from when mirroring began; one that is named already is in no sweep."""
    never = another(store, instance, now - 2 * HOUR)
    with store.write() as tx:
        links.save(tx, link.id, last_sync_at=now - 3 * HOUR)
        assert [found.id for found in links.inbound(tx, instance.id)] == [link.id, never.id]
        assert links.first_since(tx, instance.id) == never.since_at
        assert [found.id for found in links.stale(tx, instance.id, now, 1)] == [link.id]
        links.want(tx, link.id, now, priority=5, named=True)
        assert [found.id for found in links.stale(tx, instance.id, now, 20)] == [never.id]


def test_a_change_by_one_link_is_work_for_the_others(
    store: Store, instance: Instance, incident: Incident, link: Link, now: datetime
) -> None:
    """Design §1.5: those that mirror out and are not purged, not the one that it came by."""
    out = another(store, instance, now, incident, direction=Direction.OUT, primary=False)
    only_in = another(store, instance, now, incident, direction=Direction.IN, primary=False)
    purged = another(store, instance, now, incident, primary=False)
    with store.write() as tx:
        links.save(tx, purged.id, state=LinkState.PURGED)
        links.want_others(tx, incident.id, link.id, now)
        wanted = {found.id: found.wanted for found in links.of_incident(tx, incident.id)}
        assert wanted == {link.id: 0, out.id: 1, only_in.id: 0, purged.id: 0}
        assert links.want_incident(tx, incident.id, now) == 2
        assert links.load(tx, purged.id).state is LinkState.PURGED


def test_open_incidents_of_an_instance_are_counted(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """Rule 10: the brake's share is of these."""
    close(store, another(store, instance, now), now)
    with store.read() as tx:
        assert links.open_count(tx, instance.id) == 1


def test_held_links_are_tried_again_when_something_changed(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """A creation of unknown outcome stays held; another instance's links stay as they are."""
    unknown = another(store, instance, now)
    with store.write() as tx:
        links.want(tx, link.id, now, priority=5)
        links.save(tx, link.id, state=LinkState.HELD, held_reason="no mapper", tries=3)
        links.save(tx, unknown.id, state=LinkState.HELD, creating_at=now)
        other = instances.add(tx, "other", "ServiceNow", now)
        links.look_again(tx, now, other.id)
        assert links.due(tx, instance.id, now) is None
        links.look_again(tx, now)
        found = links.due(tx, instance.id, now)
        assert found is not None
        assert (found.id, found.tries, found.held_reason) == (link.id, 0, "")
        assert links.load(tx, unknown.id).state is LinkState.HELD


def test_mirror_records_are_listed_as_asked(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """MIR-189, mirroring.md §5.3: by instance, by incident, by state, by page."""
    closed = another(store, instance, now)
    close(store, closed, now)
    foreign = another(store, instance, now, instance_name="other")
    with store.read() as tx:

        def listed(**asked: object) -> list[tuple[int, Status]]:
            return [(found.id, status) for found, status in links.records(tx, **asked)]  # type: ignore[arg-type]

        everything = [(link.id, Status.ACTIVE), (closed.id, Status.CLOSED), (foreign.id, Status.ACTIVE)]
        assert listed() == everything
        assert listed(instance_name="other") == everything[2:]
        assert listed(incident_id=closed.incident_id) == everything[1:2]
        assert listed(closed=True) == everything[1:2]
        assert listed(closed=False) == [everything[0], everything[2]]
        assert listed(limit=1, offset=1) == everything[1:2]


def test_a_person_lets_a_lane_go_on(store: Store, instance: Instance, now: datetime) -> None:
    """Rule 10: one that a brake had stopped may finish what it was about to do; a waiting one only goes on."""
    lane_id = LaneId(f"{instance.id}/0")
    with store.write() as tx:
        lanes.ask(tx, lane_id, not_before=now + HOUR, not_before_reason="rate limit")
        lanes.go_on(tx, lane_id, now)
        lane = lanes.of_instance(tx, instance.id)
        assert (lane.not_before, lane.not_before_reason, lane.brake_off_until) == (None, "", None)
        lanes.ask(tx, lane_id, held_reason="closes too much")
        lanes.go_on(tx, lane_id, now)
        lane = lanes.of_instance(tx, instance.id)
        assert (lane.held_reason, lane.brake_off_until) == ("", now + lanes.BRAKE_OFF)
        with pytest.raises(NotFound):
            lanes.load(tx, LaneId("nobody/0"))
        assert lanes.acquire(tx, LaneId("nobody/0"), "a", 60) is None


def test_where_entries_stand_on_their_way_is_known(store: Store, incident: Incident, link: Link, now: datetime) -> None:
    """MIR-166, rule 7: sent and given-up ones never go again; casemirror's own lines never go."""
    with store.write() as tx:
        texts = ("sent", "given up", "begun", "new")
        made = [entries.add(tx, incident.id, NewEntry(contents=t, tags=link.tags), now) for t in texts]
        entries.add_note(tx, incident.id, "closed by the remote", now)
        entries.mark_intended(tx, link.id, [entry.id for entry in made[:3]], now)
        entries.mark_sent(tx, link.id, [made[0].id], now)
        entries.mark_undeliverable(tx, link.id, [made[1].id])
        entries.set_tags(tx, made[0].id, ["comments", "more"], now + HOUR)
        assert entries.deliveries(tx, incident.id) == {
            (made[0].id, link.id): DeliveryState.SENT,
            (made[1].id, link.id): DeliveryState.UNDELIVERABLE,
            (made[2].id, link.id): DeliveryState.INTENDED,
        }
        left = [(o.entry.contents, o.uncertain) for o in entries.unsent(tx, links.load(tx, link.id))]
        assert left == [("begun", True), ("new", False)]
        assert entries.sent_twice_count(tx) == 0
        assert [e.contents for e in entries.list_for(tx, incident.id)][-1] == "closed by the remote"


def test_tags_are_kept_once_and_removing_one_is_no_new_tag(store: Store, incident: Incident, now: datetime) -> None:
    """MIR-165: `tagged_at` moves when a tag is new, and only then."""
    with store.write() as tx:
        entry = entries.add(tx, incident.id, NewEntry(contents="x", tags=("a", "b")), now)
        assert entry.tagged_at == now
        fewer = entries.set_tags(tx, entry.id, ["b", "b"], now + HOUR)
        assert (fewer.tags, fewer.tagged_at, fewer.modified_at) == (("b",), now, now + HOUR)
        more = entries.set_tags(tx, entry.id, ["b", "c"], now + 2 * HOUR)
        assert (more.tags, more.tagged_at) == (("b", "c"), now + 2 * HOUR)
        with pytest.raises(NotFound):
            entries.load(tx, entry.id + 99)  # type: ignore[arg-type]


def test_an_instance_keeps_its_notebooks_apart(store: Store, instance: Instance, now: datetime) -> None:
    """`lastRun` and `lastMirrorRun` are two; secrets are named without being opened."""
    with store.write() as tx:
        instances.save_last_run(tx, instance.id, {"fetched": 1})
        instances.save_mirror_run(tx, instance.id, {"polled": 2})
        instances.set_secret(tx, instance.id, "api_key", "x")
        found = instances.update(tx, instance.id, now + HOUR, health="ok", params={"url": "u"})
        assert (found.last_run, found.last_mirror_run) == ({"fetched": 1}, {"polled": 2})
        assert (found.health, found.params, found.modified_at) == ("ok", {"url": "u"}, now + HOUR)
        assert instances.secret_names(tx, instance.id) == ["api_key", "credentials"]
        instances.remove(tx, instance.id)
        assert instances.secret_names(tx, instance.id) == []
        with pytest.raises(NotFound):
            instances.context(tx, instance.id)
