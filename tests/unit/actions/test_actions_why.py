"""Why is this field so: the answer names the person, the remote's answer, the mapper line and the rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import conflicts, instances, why, why_words
from casemirror.actions.why_values import Field, Through, Why
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.plan import Rule
from casemirror.store import audit, payloads
from support.desk import PULL, PUSH, Remote, error, timed_out
from support.world import ANALYST, HOUR, World, mapper, simple

READER = Actor("rita", Role.READ_ONLY)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    wrongs = made.wrongs()
    made.close()
    assert wrongs == []


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


@pytest.fixture
def incident(world: World, desk: Remote) -> IncidentId:
    """Both sides agree, and the echo guard is over."""
    made = world.mirror(desk.ticket(state="new", severity=1, note="n0"))
    world.cycle(3)
    return made


def ask(world: World, incident: IncidentId, name: str) -> tuple[Why, Field, Through]:
    answer = why.explain_fields(world.app, READER, incident, name)
    [found] = answer.fields
    return answer, found, found.links[0]


def test_a_value_from_remote_names_payload_mapper_line_and_rule(
    world: World, desk: Remote, incident: IncidentId
) -> None:
    """Issue: why."""
    desk.change("T1", severity=3)
    world.cycle()
    answer, found, known = ask(world, incident, "severity")
    [last, *_] = known.decided
    assert (last.rule, last.base, last.local, last.remote) == (Rule.REMOTE_CHANGED, 1, 1, 3)
    assert last.payload is not None and last.origin is not None
    with world.store.read() as tx:
        assert payloads.load(tx, last.payload)["severity"] == 3
    assert (last.origin.mapper, last.origin.result, last.origin.problem) == ("desk-in", 3, "")
    assert why_words.origin(last.origin, last.remote) == [
        "mapper desk-in, line 'severity' ← severity = 3 → as severity: 3"
    ]
    assert why_words.payload(last).startswith(f"what the remote said is payload {last.payload} of 2026-01-02 12:0")
    assert "only desk had changed it" in why_words.verdict(found, answer)
    assert (known.base, known.agreed, known.differs, known.waits) == (3, True, False, ())


def test_a_value_set_here_names_the_person_and_what_was_sent(world: World, desk: Remote, incident: IncidentId) -> None:
    """Issue: who changed it locally, what was sent, under which name, and when."""
    world.edit(incident, desknote="ours")
    answer, found, known = ask(world, incident, "Desk Note")
    assert (found.name, found.title, known.unsent) == ("desknote", "Desk Note", True)
    assert known.waits[0] == "it changed here and was not sent to desk yet"
    assert "next turn of desk" in known.waits[1]
    world.work()
    answer, found, known = ask(world, incident, "desknote")
    assert why_words.verdict(found, answer).endswith('bob set it here (it was "n0").')
    assert [(e.actor, e.old, e.new) for e in found.edits] == [("bob", "n0", "ours")]
    [sending] = known.sendings
    assert why_words.sending(sending, "desk") == (
        "goes to desk as note: mapper desk-out, line 'note' ← desknote, which gives \"ours\""
    )
    assert known.pushed is not None and (known.pushed.before, known.pushed.sent) == ("n0", "ours")
    assert 'sent "ours" at' in why_words.sent(known)
    world.clock.turn(HOUR)
    world.edit(incident, severity=2)
    world.work()
    _, _, known = ask(world, incident, "desknote")
    assert known.pushed is None
    assert why_words.sent(known).startswith("sent after the decision of")


def test_a_conflict_tells_both_values_and_how_to_settle_it(world: World, desk: Remote, incident: IncidentId) -> None:
    """Issue: what is conflicting, and why."""
    world.set(mirror__conflict="ask")
    world.edit(incident, deskstate="ours")
    desk.change("T1", state="theirs")
    world.cycle()
    _, _, known = ask(world, incident, "deskstate")
    assert known.decided[0].rule is Rule.CONFLICT_HELD
    assert "casemirror conflict resolve 1 deskstate local" in known.waits[0]
    assert 'in conflict: there it is "theirs", agreed before "new"' in why_words.standing(known)
    conflicts.resolve(world.app, ANALYST, incident, "deskstate", winner="local")
    answer, found, known = ask(world, incident, "deskstate")
    assert "bob decided the conflict here" in why_words.verdict(found, answer)
    assert known.conflict is None and known.unsent


def test_a_conflict_that_ours_won_says_what_it_won_against(world: World, desk: Remote, incident: IncidentId) -> None:
    """The losing value stays readable."""
    world.edit(incident, deskstate="ours")
    desk.change("T1", state="theirs")
    world.cycle()
    answer, found, _ = ask(world, incident, "deskstate")
    assert 'desk had changed it to "theirs", and ours won' in why_words.verdict(found, answer)


def test_what_is_unsent_says_what_keeps_it(world: World, desk: Remote, incident: IncidentId) -> None:
    """Issue: still unsent, and why: failing, disabled, doubted."""
    desk.next_answer(PUSH, error("no such column"))
    world.edit(incident, desknote="ours")
    world.work()
    _, _, known = ask(world, incident, "desknote")
    assert any("no such column" in text and "tried again at" in text for text in known.waits)
    instances.disable(world.app, ANALYST, "desk")
    _, _, known = ask(world, incident, "desknote")
    assert "the instance is disabled" in known.waits


def test_a_push_of_unknown_outcome_is_told(world: World, desk: Remote, incident: IncidentId) -> None:
    """Rule 7."""
    desk.next_answer(PUSH, timed_out())
    world.edit(incident, desknote="ours")
    world.work()
    _, _, known = ask(world, incident, "desknote")
    assert known.doubted
    assert "its outcome was not seen" in known.waits[0]


def test_a_change_that_never_goes_out_says_so(world: World, desk: Remote, incident: IncidentId) -> None:
    """No line of the outgoing mapper reads it; or the link only mirrors in."""
    world.edit(incident, deskextra="only here")
    _, found, known = ask(world, incident, "deskextra")
    assert known.waits == ("it changed here and stays here: no line of the outgoing mapper desk-out reads it",)
    assert not known.unsent and known.sendings == ()
    world.edit(incident, dbotMirrorDirection="In", desknote="ours")
    _, found, known = ask(world, incident, "desknote")
    assert known.waits == ("it changed here and stays here: the link to desk only mirrors in",)


def test_a_stale_echo_is_told_and_a_failed_pull_too(world: World, desk: Remote, incident: IncidentId) -> None:
    """The guard's reason, and that the remote may have news."""
    world.edit(incident, desknote="ours")
    world.work()
    desk.change("T1", note="n0")
    world.cycle()
    _, _, known = ask(world, incident, "desknote")
    assert known.decided[0].rule is Rule.STALE_ECHO
    assert any("mirror.echo.guard" in text for text in known.waits)
    desk.change("T1", note="n1")
    desk.next_answer(PULL, error("try later"))
    world.cycle()
    _, _, known = ask(world, incident, "desknote")
    assert any(text.startswith("the last pull failed") and "try later" in text for text in known.waits)


def test_a_mapper_that_was_changed_since_is_noticed(world: World, desk: Remote, incident: IncidentId) -> None:
    """The stored payload is mapped by the mapper of today, and the difference is said."""
    rules = {**simple(desknote="title"), **simple(severity="gone")}
    world.content("mapper-in", {**mapper("other-in", "mapping-incoming", common=rules)})
    instances.update(world.app, ANALYST, "desk", {}, choice=instances.Choice(mapper_in="other-in"))
    _, _, known = ask(world, incident, "desknote")
    last = known.decided[-1]
    assert last.origin is not None
    assert any("the mapper was changed" in text for text in why_words.origin(last.origin, last.remote))
    desk.change("T1", state="busy")
    instances.update(world.app, ANALYST, "desk", {}, choice=instances.Choice(mapper_in="desk-in"))
    world.cycle()
    instances.update(world.app, ANALYST, "desk", {}, choice=instances.Choice(mapper_in="other-in"))
    _, _, known = ask(world, incident, "deskstate")
    assert known.decided[0].origin is not None and "no line of other-in" in known.decided[0].origin.problem
    instances.update(world.app, ANALYST, "desk", {}, choice=instances.Choice(mapper_in=""))
    _, _, known = ask(world, incident, "desknote")
    assert known.decided[0].origin is not None and "no incoming mapper" in known.decided[0].origin.problem
    assert why_words.origin(known.decided[0].origin, known.decided[0].remote) == [known.decided[0].origin.problem]


def test_a_payload_that_was_forgotten_is_said_to_be(world: World, desk: Remote, incident: IncidentId) -> None:
    """Setting mirror.payload.keep; the decision stays."""
    with world.store.write() as tx:
        payloads.forget_old(tx, world.clock.now())
    _, _, known = ask(world, incident, "desknote")
    assert known.decided[0].payload is None and known.decided[0].origin is None
    assert "not kept any more" in why_words.payload(known.decided[0])


def test_an_old_audit_line_still_names_the_person(world: World, desk: Remote, incident: IncidentId) -> None:
    """Lines from before values were audited have names only."""
    with world.store.write() as tx:
        detail = {"fields": ["desknote"]}
        audit.add(tx, world.clock.now(), "ann", "incident.edited", f"incident {incident}", detail)
    answer, found, _ = ask(world, incident, "desknote")
    assert why_words.edit(found.edits[0]).endswith("ann set it (values were not recorded)")
    assert "ann set it here" in why_words.verdict(found, answer)


def test_without_a_field_all_mirrored_ones_are_told(world: World, desk: Remote, incident: IncidentId) -> None:
    """Every rule has words, and nothing is told of fields that no link knows."""
    answer = why.explain_fields(world.app, READER, incident)
    assert {"name", "severity", "deskstate", "desknote"} <= {f.name for f in answer.fields}
    assert "deskextra" not in {f.name for f in answer.fields}
    [named] = [f for f in answer.fields if f.name == "name"]
    assert "since desk created the incident at 2026-01-02 12:00:00 UTC" in why_words.verdict(named, answer)
    assert all(why_words.rule(rule, "desk") for rule in Rule)


def test_a_value_from_the_fetch_names_the_line_that_made_it(world: World) -> None:
    """The event that was fetched is kept with the incident; without one, or after a change, nothing is told of it."""
    desk = world.instance(fetches=True)
    desk.ticket(state="new", severity=2)
    world.work()
    [incident] = [i for i in world.all() if i.raw_json]
    answer, found, _ = ask(world, incident.id, "severity")
    assert "since desk created the incident" in why_words.verdict(found, answer)
    assert found.born is not None
    assert why_words.origin(found.born, found.value) == [
        "mapper desk-in, line 'severity' ← severity = 2 → as severity: 2"
    ]
    world.edit(incident.id, severity=3)
    assert ask(world, incident.id, "severity")[1].born is None
    assert ask(world, incident.id, "desknote")[1].born is None


def test_an_orphan_and_an_unlinked_incident_are_answered(world: World, desk: Remote, incident: IncidentId) -> None:
    """What is stored is told although the instance is gone."""
    instances.remove(world.app, ANALYST, "desk")
    _, _, known = ask(world, incident, "desknote")
    assert known.decided and known.decided[0].origin is None and known.sendings == ()
    world.edit(incident, desknote="ours")
    _, _, known = ask(world, incident, "desknote")
    assert any("there is no such instance" in text for text in known.waits)
    alone = world.create(details="x")
    answer = why.explain_fields(world.app, READER, alone, "details")
    assert "since bob created the incident" in why_words.verdict(answer.fields[0], answer)


def test_what_is_not_there_is_refused(world: World, incident: IncidentId) -> None:
    """Exit code 2."""
    with pytest.raises(NotFound):
        why.explain_fields(world.app, READER, IncidentId(99))
    with pytest.raises(Invalid, match="did you mean Desk Note"):
        why.explain_fields(world.app, READER, incident, "Desk Not")
