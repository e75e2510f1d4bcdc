"""Configured methods and open conflicts, on both databases."""

from __future__ import annotations

from datetime import datetime

from casemirror.model.instance import Instance
from casemirror.model.link import Conflict, Link
from casemirror.model.plan import Method
from casemirror.model.policies import Choice
from casemirror.store import incidents, instances, links, policies
from casemirror.store.database import Store


def test_one_method_for_each_instance_type_and_field(store: Store, instance: Instance) -> None:
    """Setting it again replaces it; what belongs to an instance goes with it."""
    everywhere = Choice(method=Method.MAX, field="severity")
    there = Choice(method=Method.ASK, field="severity", instance=instance.id)
    with store.write() as tx:
        policies.put(tx, Choice(method=Method.LOCAL, field="severity"))
        policies.put(tx, everywhere)
        policies.put(tx, there)
    with store.write() as tx:
        assert set(policies.list_all(tx)) == set(policies.list_all(tx, instance.id)) == {everywhere, there}
        assert not policies.remove(tx, Choice(method=Method.MAX, type="T"))
        assert policies.remove(tx, everywhere)
        assert policies.list_all(tx) == [there]
        instances.remove(tx, instance.id)
        assert policies.list_all(tx) == []


def test_conflicts_are_kept_with_the_link(store: Store, link: Link, now: datetime) -> None:
    """Listed as long as one is open."""
    conflict = Conflict(remote=["a", {"b": 1}], base=None, since=now)
    with store.write() as tx:
        assert links.in_conflict(tx, limit=9) == []
        links.save(tx, link.id, conflicts={"f": conflict})
        [found] = links.in_conflict(tx, limit=9)
        assert found.conflicts == {"f": conflict}
        links.save(tx, link.id, conflicts={})
        assert links.in_conflict(tx, limit=9) == []


def test_a_field_knows_when_it_last_changed(store: Store, link: Link, now: datetime) -> None:
    """By whomever: the newer change wins where people choose so."""
    with store.write() as tx:
        before = incidents.load(tx, link.incident_id)
        after = incidents.save(tx, before.id, before.version, now=now, fields={"severity": 3})
    assert "severity" not in before.changed
    assert datetime.fromisoformat(after.changed["severity"]) == now
