"""A link that is removed and made again is the same conversation. Over SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from casemirror.model.entry import NewEntry
from casemirror.model.errors import NotFound
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link
from casemirror.model.plan import Decision, Rule
from casemirror.store import decisions, entries, inbox, incidents, instances, lanes, links
from casemirror.store.database import Store

DAY = timedelta(days=1)


def say(store: Store, incident: Incident, now: datetime, text: str, **given: object) -> int:
    with store.write() as tx:
        new = NewEntry(contents=text, tags=("comments",), **given)  # type: ignore[arg-type]
        return entries.add(tx, incident.id, new, now).id


def again(store: Store, link: Link, now: datetime, **changes: object) -> Link:
    """Remove a link, and make one like it."""
    given = {"instance_id": link.instance_id, "instance_name": "snow", "remote_id": "R1", "tags": ("comments",)}
    with store.write() as tx:
        links.delete(tx, link.id)
        return links.add(
            tx,
            incident_id=link.incident_id,
            direction=Direction.BOTH,
            since_at=now,
            **{**given, **changes},  # type: ignore[arg-type]
        )


def test_what_was_said_by_a_link_is_not_said_again_by_its_successor(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """Nothing doubled, either way: notes that were sent stay sent, comments that came in are known."""
    sent, _new = say(store, incident, now, "sent"), say(store, incident, now, "new")
    say(store, incident, now, "theirs", link_id=link.id, fingerprint="f", seen_until=now)
    with store.write() as tx:
        entries.mark_intended(tx, link.id, [sent], now)  # type: ignore[list-item]
        entries.mark_sent(tx, link.id, [sent], now)  # type: ignore[list-item]
        decisions.add(tx, link, [Decision(field="f", rule=Rule.LOCAL_CHANGED, local=1)], now, payload_id=None)
    successor = again(store, link, now)
    with store.read() as tx:
        assert [o.entry.contents for o in entries.unsent(tx, successor)] == ["new"]
        assert entries.known_fingerprints(tx, successor.id, ["f"], now - DAY) == {"f": 1}
        assert [d["link_id"] for d in decisions.list_for(tx, incident.id)] == [successor.id]
        assert links.of_incident(tx, incident.id) == [successor]


@pytest.mark.parametrize("other", [{"remote_id": "R2"}, {"instance_name": "jira"}, {"remote_id": ""}])
def test_another_remote_object_is_told_everything(
    store: Store, incident: Incident, link: Link, now: datetime, other: dict[str, str]
) -> None:
    """What one ticket was told, another one was not. What the former one said is not passed on."""
    sent = say(store, incident, now, "note")
    say(store, incident, now, "theirs", link_id=link.id)
    with store.write() as tx:
        entries.mark_intended(tx, link.id, [sent], now)  # type: ignore[list-item]
        entries.mark_sent(tx, link.id, [sent], now)  # type: ignore[list-item]
    successor = again(store, link, now, **other)
    with store.read() as tx:
        assert [(o.entry.contents, o.uncertain) for o in entries.unsent(tx, successor)] == [("note", False)]
        assert entries.known_fingerprints(tx, successor.id, [""], now - DAY) == {}


def test_a_removed_link_is_seen_nowhere(
    store: Store, instance: Instance, incident: Incident, link: Link, now: datetime
) -> None:
    """Not due, not listed, not counted, not found; what waited for it is dropped."""
    with store.write() as tx:
        lanes.ask(tx, lanes.of_instance(tx, instance.id).id, next_poll_at=now + DAY, next_fetch_at=now + DAY)
        inbox.put(tx, link.id, now, {})
        links.want(tx, link.id, now, priority=0)
        links.delete(tx, link.id)
        links.want(tx, link.id, now, priority=0, reset=True)
        assert not links.hold(tx, link.id, "late")
        with pytest.raises(NotFound):
            links.load(tx, link.id)
        with pytest.raises(NotFound):
            links.save(tx, link.id, error_in="late")
        assert links.want_incident(tx, incident.id, now) == 0
        assert lanes.due(tx, now) == []
        assert inbox.waiting(tx, link.id) == []
        found = [links.due(tx, instance.id, now), links.primary_of(tx, incident.id)]
        found += [*links.by_remote(tx, instance.id, "R1"), *links.of_incident(tx, incident.id)]
        assert found == [None, None]
        assert links.inbound(tx, instance.id) == links.stale(tx, instance.id, now + DAY, 9) == []
        assert links.records(tx) == []
        assert incidents.find(tx, instance="snow") == []
        assert not any(links.statistics(tx, "snow").values())
        assert (links.open_count(tx, instance.id), links.purge_closed(tx, "snow", None)) == (0, 0)
        instances.remove(tx, instance.id)
        new = instances.add(tx, "snow", "ServiceNow", now)
        assert links.inbound(tx, new.id) == []


def test_what_is_wanted_during_a_failing_reconcile_does_not_wait_for_it(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """MIR-160: a person's edit while the call fails is tried at once, and is not held for what was before it."""
    with store.write() as tx:
        links.want(tx, link.id, now, priority=5)
        links.want(tx, link.id, now, priority=0, reset=True)
        links.wait(tx, link.id, now + DAY, seen=1)
        assert not links.hold(tx, link.id, "no mapper", seen=1)
        found = links.due(tx, instance.id, now)
        assert found is not None
        assert found.tries == 0
        links.wait(tx, link.id, now + DAY, seen=2)
        assert links.due(tx, instance.id, now) is None
        assert links.hold(tx, link.id, "no mapper", seen=2)
        assert links.load(tx, link.id).held_reason == "no mapper"


def test_counting_open_incidents_ends_when_it_is_enough(store: Store, instance: Instance, link: Link) -> None:
    """The brake asks at each close; it need not know how many more there are."""
    with store.read() as tx:
        counts = [links.open_count(tx, instance.id, at_most=most) for most in (None, 5, 1, 0)]
    assert counts == [1, 1, 1, 0]
