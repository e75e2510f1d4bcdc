"""Entries and files: what is said once stands once. Over SQLite and PostgreSQL."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from casemirror.model.entry import Entry, NewEntry
from casemirror.model.errors import NotFound
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link
from casemirror.store import entries, files, links
from casemirror.store.database import Store

MINUTE = timedelta(minutes=1)


def add(store: Store, incident: Incident, now: datetime, *, held: bool = False, **given: object) -> Entry:
    with store.write() as tx:
        return entries.add(tx, incident.id, NewEntry(**given), now, held=held)  # type: ignore[arg-type]


def unsent(store: Store, link: Link) -> list[tuple[str, bool]]:
    with store.read() as tx:
        return [(o.entry.contents, o.uncertain) for o in entries.unsent(tx, links.load(tx, link.id))]


def test_entries_are_numbered_within_their_incident(store: Store, incident: Incident, now: datetime) -> None:
    """The label is number and incident; it finds the entry again."""
    made = [add(store, incident, now, contents=f"{n}") for n in range(3)]
    assert [e.label for e in made] == [f"{n}@{incident.id}" for n in (1, 2, 3)]
    with store.read() as tx:
        assert entries.by_label(tx, made[1].label) == made[1]
        for wrong in ("9@1", "x", "1@", "@1", "1@999"):
            with pytest.raises(NotFound):
                entries.by_label(tx, wrong)


def test_only_tagged_entries_of_others_go_out(
    store: Store, instance: Instance, incident: Incident, link: Link, now: datetime
) -> None:
    """MIR-162…167: a matching tag, not held, not by this very link; what came in by another link does go on."""
    with store.write() as tx:
        given = {"instance_id": instance.id, "instance_name": "snow", "remote_id": "R2", "direction": Direction.BOTH}
        other = links.add(tx, incident_id=incident.id, since_at=now, tags=(), **given)  # type: ignore[arg-type]
    add(store, incident, now, contents="tagged", tags=("comments", "x"))
    add(store, incident, now, contents="untagged")
    add(store, incident, now, contents="wrong tag", tags=("Comments",))
    add(store, incident, now, contents="came in here", tags=("comments",), link_id=link.id)
    add(store, incident, now, contents="came in there", tags=("comments",), link_id=other.id)
    add(store, incident, now, contents="held", tags=("comments",), held=True)
    assert unsent(store, link) == [("tagged", False), ("came in there", False)]
    assert unsent(store, other) == []
    with store.write() as tx:
        assert entries.release_held(tx, incident.id) == 1
    assert ("held", False) in unsent(store, link)


def test_what_came_in_by_a_link_that_is_gone_is_not_sent(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """An entry stays an inbound one when its link is deleted."""
    with store.write() as tx:
        given = {"instance_id": None, "instance_name": "x", "remote_id": "", "direction": Direction.IN}
        other = links.add(tx, incident_id=incident.id, since_at=now, tags=(), **given)  # type: ignore[arg-type]
    add(store, incident, now, contents="in", tags=("comments",), link_id=other.id)
    with store.write() as tx:
        links.delete(tx, other.id)
    assert unsent(store, link) == []


def test_an_entry_is_intended_then_sent(store: Store, incident: Incident, link: Link, now: datetime) -> None:
    """Rule 7: in between its outcome is unknown, and the first time of trying is kept."""
    entry = add(store, incident, now, contents="word", tags=("comments",))
    with store.write() as tx:
        entries.mark_intended(tx, link.id, [entry.id], now)
        entries.mark_intended(tx, link.id, [entry.id], now + MINUTE)
        [outgoing] = entries.unsent(tx, link)
    assert outgoing.uncertain
    assert outgoing.intended_at == now
    with store.write() as tx:
        entries.mark_sent(tx, link.id, [entry.id], now)
        assert entries.unsent(tx, link) == ()
        assert [e.id for e in entries.recently_sent(tx, link.id, now - MINUTE)] == [entry.id]
        assert entries.recently_sent(tx, link.id, now + MINUTE) == []
        assert entries.sent_twice_count(tx) == 1


def test_a_tag_given_later_makes_an_entry_go(store: Store, incident: Incident, link: Link, now: datetime) -> None:
    """MIR-165, MIR-174: the time of the tag counts, not that of the entry."""
    entry = add(store, incident, now, contents="late")
    with store.write() as tx:
        tagged = entries.set_tags(tx, entry.id, ["comments"], now + MINUTE)
        again = entries.set_tags(tx, entry.id, ["comments"], now + 2 * MINUTE)
    assert (tagged.tagged_at, again.tagged_at) == (now + MINUTE, now + MINUTE)
    assert unsent(store, link) == [("late", False)]


def test_fingerprints_count_within_overlapping_pulls(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """MIR-118, MIR-119: two equal ones are two; one that no overlap can bring again is unknown; a remote id is for ever."""
    for seen in (now, now, now - 10 * MINUTE):
        add(store, incident, now, fingerprint="same", link_id=link.id, seen_until=seen)
    add(store, incident, now, fingerprint="id:7", link_id=link.id, seen_until=now - 100 * MINUTE)
    with store.read() as tx:
        known = entries.known_fingerprints(tx, link.id, ["same", "id:7", "other"], now - MINUTE)
    assert known == {"same": 2, "id:7": 1}


def test_a_file_is_kept_once_by_its_content(store: Store, tmp_path: Path) -> None:
    """Two names, one file; nothing but whole files lies in the folder."""
    first = files.put(store, io.BytesIO(b"same"), "a.txt", 100)
    second = files.put(store, io.BytesIO(b"same"), "b.png", 100)
    assert first.id == second.id
    assert (second.name, second.size, second.content_type) == ("b.png", 4, "image/png")
    assert files.path(store, first.id).read_bytes() == b"same"
    assert [p for p in store.files_folder.rglob("*") if p.is_file()] == [files.path(store, first.id)]
    with store.read() as tx:
        assert files.total(tx) == (1, 4)
    assert files.forget_unreferenced(store) == 1
    assert not files.path(store, first.id).exists()


def test_a_file_that_is_too_large_leaves_nothing(store: Store) -> None:
    """Refused with the limit and the setting that has it."""
    with pytest.raises(files.FileRefused, match=r"limit of 3 bytes .*files\.max"):
        files.put(store, io.BytesIO(b"four"), "a.txt", 3)
    assert [p for p in store.files_folder.rglob("*") if p.is_file()] == []
    with pytest.raises(files.FileRefused, match="no file"):
        files.put(store, store.files_folder / "missing", "a.txt", 3)


def test_a_full_disk_leaves_nothing_and_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where; it is one after which the link waits and tries again."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.DiskFull, match="No space left on device"):
        files.put(store, io.BytesIO(b"bytes"), "a.txt", 100)
    assert [p for p in store.files_folder.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.doc", "y.doc"),
        ("", "file"),
        ("..", "file"),
        ("a\n\x00b", "ab"),
    ],
)
def test_names_of_files_are_made_safe(given: str, safe: str) -> None:
    """No folder, no control character, never empty."""
    assert files.safe_name(given) == safe
