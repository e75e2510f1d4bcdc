"""Configured methods and open conflicts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from casemirror.model.instance import Instance
from casemirror.model.link import Conflict, Link
from casemirror.model.plan import Decision, Method, Rule
from casemirror.model.policies import Choice, Owner
from casemirror.store import decisions, incidents, instances, links, policies
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


def test_a_method_for_a_link_goes_with_its_incident(store: Store, instance: Instance, link: Link) -> None:
    """It stands beside the ones of its instance, and replaces only itself."""
    wide = Choice(method=Method.LOCAL, instance=instance.id)
    mine = Choice(method=Method.ASK, instance=instance.id, incident=link.incident_id)
    field = Choice(method=Method.MAX, instance=instance.id, incident=link.incident_id, field="severity")
    with store.write() as tx:
        for choice in (wide, Choice(method=Method.UNION, instance=instance.id, incident=link.incident_id), mine, field):
            policies.put(tx, choice)
    with store.write() as tx:
        assert set(policies.list_all(tx)) == set(policies.list_all(tx, instance.id)) == {wide, mine, field}
        assert policies.remove(tx, field)
        incidents.delete(tx, link.incident_id)
        assert policies.list_all(tx) == [wide]


def test_a_field_has_one_owner_for_each_type_and_incident(store: Store, instance: Instance, link: Link) -> None:
    """Another one takes its place; what belongs to an instance or an incident goes with it."""
    everywhere = Owner(instance=instance.id, field="severity")
    of_type = Owner(instance=instance.id, field="severity", type="T")
    of_one = Owner(instance=instance.id, field="severity", incident=link.incident_id)
    with store.write() as tx:
        other = instances.add(tx, "tracker", "Roundup", store.clock.now(), secrets={})
        policies.put_owner(tx, Owner(instance=other.id, field="severity"))
        for owner in (everywhere, of_type, of_one):
            policies.put_owner(tx, owner)
    with store.write() as tx:
        assert set(policies.owners(tx)) == {everywhere, of_type, of_one}
        assert not policies.remove_owner(tx, "severity", "U")
        assert not policies.remove_owner(tx, "name")
        assert policies.remove_owner(tx, "severity", "T")
        incidents.delete(tx, link.incident_id)
        assert policies.owners(tx) == [everywhere]
        instances.remove(tx, instance.id)
        assert policies.owners(tx) == []


def test_a_decision_keeps_who_owned_the_field(store: Store, link: Link, now: datetime) -> None:
    """Said once as long as it is the same; another owner is another decision."""
    first = Decision(field="f", rule=Rule.OWNED, note="owned by a", base=1, local=1, remote=2)
    with store.write() as tx:
        for made in (first, first, replace(first, note="owned by b")):
            decisions.add(tx, link, [made], now, payload_id=None)
        assert [row["note"] for row in decisions.of_field(tx, link.id, "f")] == ["owned by b", "owned by a"]


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
