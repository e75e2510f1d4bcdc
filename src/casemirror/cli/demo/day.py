"""One day: what Alice does in ServiceNow, Bob in Roundup, and you in casemirror."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from casemirror.cli.demo.sides import Here, Ids, Roundup, ServiceNow, Side
from casemirror.cli.demo.stage import Stage
from casemirror.cli.demo.telling import Check, Teller, on


@dataclass(kw_only=True)
class Expected:
    """What must be said and attached in the end, each once on every side: case → texts, files."""

    said: list[tuple[Ids, str]] = field(default_factory=list)
    files: list[tuple[Ids, str, bytes]] = field(default_factory=list)


class Day:
    """Plays the day; `cases` and `expected` are what the proof looks at."""

    def __init__(self, stage: Stage, teller: Teller) -> None:
        self.snow = ServiceNow(stage=stage)
        self.tracker = Roundup(stage=stage)
        self.here = Here(stage=stage)
        self.cases: list[Ids] = []
        self.expected = Expected()
        self._teller = teller

    @property
    def sides(self) -> tuple[Side, Side, Side]:
        """All places."""
        return self.snow, self.here, self.tracker

    def play(self) -> None:
        """The whole day."""
        self._teller.chapter("Morning: tickets are opened, and fetched")
        printer, vpn, mailbox, backup = self._morning()
        self._teller.chapter("You link each one to the other system, where it is created")
        self._link()
        self._teller.chapter("Everybody works on them")
        self._fields(printer, vpn, mailbox)
        self._words(printer, vpn)
        self._files(printer, vpn)
        self._both_at_once(vpn, backup)
        self._teller.chapter("Evening: closing, reopening, closing")
        self._evening(printer, vpn, backup)

    def _morning(self) -> tuple[Ids, ...]:
        opened = (
            ("Printer on floor 3 is on fire", "Flames out of tray 2. Nobody is hurt.", "3", "2"),
            ("VPN drops every hour", "On the hour, for about a minute.", "2", "3"),
            ("Mailbox of the board is full", "Sending fails since Monday.", "3", "3"),
        )
        for title, description, impact, urgency in opened:

            def alice(t: str = title, d: str = description, i: str = impact, u: str = urgency) -> Ids:
                return self.snow.open(t, d, impact=i, urgency=u)

            self._fetched("Alice", f"opens a ticket in ServiceNow: {title}", alice)
        title = "Backup of db-7 failed"
        self._fetched(
            "Bob",
            f"opens an issue in Roundup: {title}",
            lambda: self.tracker.open(title, "No space left on device.", priority="bug"),
        )
        return tuple(self.cases)

    def _fetched(self, who: str, what: str, open_: Callable[[], Ids]) -> None:
        made: list[Ids] = []

        def is_there() -> bool:
            found = self.here.find(made[0])
            made[0].here = found or made[0].here
            return found is not None

        self._teller.tell(who, what, lambda: made.append(open_()), {"casemirror": is_there})
        self.cases += made

    def _link(self) -> None:
        for ids in self.cases:
            there: Side = self.tracker if ids.snow else self.snow
            link = self.here.link_to_tracker if ids.snow else self.here.link_to_snow

            def is_there(ids: Ids = ids, there: Side = there) -> bool:
                self.here.learn(ids)
                return there.look(ids) is not None

            what = f"link incident {ids.here} to {there.name}"
            self._teller.tell("You", what, lambda link=link, ids=ids: link(ids), {there.name: is_there})  # type: ignore[misc]

    def _fields(self, printer: Ids, vpn: Ids, mailbox: Ids) -> None:
        self._alice(
            printer, "raises the priority to critical", {"impact": "1", "urgency": "1"}, lambda t: t.severity == 4
        )
        title = "VPN drops every full hour"
        self._bob(vpn, f"renames the issue: {title}", {"title": title}, lambda t: t.title == title)
        words = "Flames out of tray 2. Nobody is hurt. Power is cut."
        self._you(printer, "rewrite the description", {"details": words}, lambda t: t.description == words)
        self._bob(mailbox, "sets the priority to urgent", {"priority": "urgent"}, lambda t: t.severity == 3)
        self._you(mailbox, "lower the severity to medium", {"severity": "medium"}, lambda t: t.severity == 2)

    def _words(self, printer: Ids, vpn: Ids) -> None:
        text = "The fire brigade is on its way."
        self._says("Alice", self.snow, printer, text, lambda: self.snow.stage.snow.comment(printer.snow, text))
        answer = "I am downstairs and let them in."
        self._says("Bob", self.tracker, printer, answer, lambda: self.tracker.comment(printer, answer))
        ours = "A new printer is ordered: PO 4711."
        self._says("You", self.here, printer, ours, lambda: self.here.comment(printer, ours))
        same = "It happened again at ten."
        self._says("Bob", self.tracker, vpn, same, lambda: self.tracker.comment(vpn, same))

    def _files(self, printer: Ids, vpn: Ids) -> None:
        photo = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
        self._attaches("Alice", self.snow, printer, "photo.png", photo, lambda: self._alice_attaches(printer, photo))
        log = "".join(f"{hour:02d}:00:00 tunnel down\n" for hour in range(24)).encode()
        self._attaches("Bob", self.tracker, vpn, "tunnel.log", log, lambda: self.tracker.attach(vpn, "tunnel.log", log))
        offer = "New printer, 1 piece, 399 EUR. Grüße!\n".encode()
        self._attaches(
            "You", self.here, printer, "offer.txt", offer, lambda: self.here.attach(printer, "offer.txt", offer)
        )

    def _alice_attaches(self, ids: Ids, body: bytes) -> None:
        self.snow.stage.snow.attach(ids.snow, "photo.png", body, content_type="image/png")

    def _both_at_once(self, vpn: Ids, backup: Ids) -> None:
        """Two people change the same ticket in the same moment: different fields are merged."""
        title, words = "VPN drops at full hours", "On the hour, for about a minute. Since the update."

        def both() -> None:
            self.snow.stage.snow.update(vpn.snow, short_description=title)
            self.tracker.change(vpn, priority="critical")
            self.here.edit(vpn, details=words)

        merged: Check = lambda t: (t.title, t.severity, t.description) == (title, 4, words)  # noqa: E731
        what = f"change incident {vpn.here} at once: title, priority, description"
        self._teller.tell("All", what, both, {side.name: on(side, vpn, merged) for side in self.sides})
        self._alice(backup, "lowers the priority to low", {"impact": "3", "urgency": "2"}, lambda t: t.severity == 1)

    def _evening(self, printer: Ids, vpn: Ids, backup: Ids) -> None:
        closed: Check = lambda t: t.closed  # noqa: E731
        reopened: Check = lambda t: not t.closed  # noqa: E731
        self._does("Alice", self.snow, printer, "closes it", lambda: self.snow.stage.snow.close(printer.snow), closed)
        self._wait_for_closed(printer)
        self._does(
            "Bob",
            self.tracker,
            printer,
            "reopens it",
            lambda: self.tracker.change(printer, status="chatting"),
            reopened,
        )
        self._does("Bob", self.tracker, vpn, "resolves it", lambda: self.tracker.change(vpn, status="resolved"), closed)
        done = lambda: self.here.close(printer, "Resolved", "New printer, no fire.")  # noqa: E731
        self._does("You", self.here, printer, "close it", done, closed)
        self._does("Alice", self.snow, backup, "closes it", lambda: self.snow.stage.snow.close(backup.snow), closed)

    def _wait_for_closed(self, ids: Ids) -> None:
        """Until casemirror has seen the ticket closed everywhere: nobody reopens what was closed a moment ago."""
        self._teller.wait(lambda: self.here.know_closed(ids))

    def _alice(self, ids: Ids, what: str, columns: dict[str, str], check: Check) -> None:
        self._does("Alice", self.snow, ids, what, lambda: self.snow.stage.snow.update(ids.snow, **columns), check)

    def _bob(self, ids: Ids, what: str, values: dict[str, str], check: Check) -> None:
        self._does("Bob", self.tracker, ids, what, lambda: self.tracker.change(ids, **values), check)

    def _you(self, ids: Ids, what: str, fields: dict[str, str], check: Check) -> None:
        self._does("You", self.here, ids, what, lambda: self.here.edit(ids, **fields), check)

    def _says(self, who: str, side: Side, ids: Ids, text: str, do: Callable[[], object]) -> None:
        self.expected.said.append((ids, text))
        verb = "write" if who == "You" else "writes"
        self._does(who, side, ids, f"{verb}: {text}", do, lambda t: t.says(text) > 0)

    def _attaches(self, who: str, side: Side, ids: Ids, name: str, body: bytes, do: Callable[[], object]) -> None:
        self.expected.files.append((ids, name, body))
        verb = "attach" if who == "You" else "attaches"
        self._does(who, side, ids, f"{verb} {name}, {len(body)} bytes", do, lambda t: t.has(name, body) > 0)

    def _does(self, who: str, side: Side, ids: Ids, what: str, do: Callable[[], object], check: Check) -> None:
        """A change on one side arrives at the two others."""
        others = [other for other in self.sides if other is not side]
        self._teller.tell(who, f"#{ids.here} {what}", do, {other.name: on(other, ids, check) for other in others})
