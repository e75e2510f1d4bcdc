"""Incidents without a link to an instance, on both databases."""

from __future__ import annotations

from datetime import datetime

import pytest

from casemirror.model.errors import Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.link import Direction, Link, LinkState
from casemirror.store import adoption, incidents, links
from casemirror.store.database import Store
from casemirror.store.search import Condition


@pytest.fixture
def more(store: Store, now: datetime, link: Link) -> list[Incident]:
    """Three incidents beside the one that is linked to snow R1."""
    with store.write() as tx:
        return [
            incidents.create(
                tx, NewIncident(fields={"name": f"n{n}", "severity": n}), now, status=Status.ACTIVE, actor="me"
            )
            for n in range(3)
        ]


def test_incidents_without_a_link_come_in_pages(store: Store, link: Link, more: list[Incident]) -> None:
    """In the order of their numbers; one that is linked to another instance only is among them."""
    with store.read() as tx:
        assert adoption.unlinked_count(tx, "snow") == 3
        page = adoption.unlinked(tx, "snow", after=IncidentId(0), limit=2)
        rest = adoption.unlinked(tx, "snow", after=page[-1].id, limit=2)
        assert [i.id for i in (*page, *rest)] == [i.id for i in more]
        assert adoption.unlinked(tx, "snow", after=rest[-1].id, limit=2) == []
        assert adoption.unlinked_count(tx, "other") == 4


def test_a_removed_link_is_none_and_a_purged_one_is(store: Store, link: Link, more: list[Incident]) -> None:
    """What a person cut may be linked again; what was purged belongs to its object still."""
    with store.write() as tx:
        links.save(tx, link.id, state=LinkState.PURGED)
        assert adoption.unlinked_count(tx, "snow") == 3
        links.delete(tx, link.id)
        assert adoption.unlinked_count(tx, "snow") == 4
        assert adoption.unlinked(tx, "snow", after=IncidentId(0), limit=1)[0].id == link.incident_id


def test_numbers_of_incidents_that_meet_conditions(store: Store, more: list[Incident]) -> None:
    with store.read() as tx:
        high = Condition(field="severity", operator=">=", value=1)
        named = Condition(field="name", operator="=", value="n2")
        assert adoption.numbers_where(tx, [high, named]) == {more[2].id}
        assert {more[1].id, more[2].id} <= adoption.numbers_where(tx, [high])
        with pytest.raises(Invalid):
            adoption.numbers_where(tx, [Condition(field="name", operator=">", value=True)])


def test_a_link_that_is_made_later_is_met_first(store: Store, now: datetime, more: list[Incident]) -> None:
    """The store keeps what says so."""
    with store.write() as tx:
        made = links.add(
            tx,
            incident_id=more[0].id,
            instance_id=None,
            instance_name="snow",
            remote_id="R2",
            direction=Direction.BOTH,
            since_at=now,
            linked_later=True,
        )
        assert made.is_first_contact
        assert not links.save(tx, made.id, last_sync_at=now).is_first_contact
