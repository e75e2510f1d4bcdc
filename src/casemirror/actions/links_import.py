"""Link incidents to remote objects as a CSV file says: columns incident, instance, remote_id, and direction if wanted."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from casemirror.actions import links_adopt
from casemirror.actions.links_adopt import Desk
from casemirror.actions.links_ids import LONGEST_ID
from casemirror.actions.links_values import Findings, Pair, Progress, Verdict, silent
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import BadRequest, Invalid, LaneMustWait
from casemirror.model.ids import IncidentId
from casemirror.model.link import Direction
from casemirror.store import rows

NEEDED: Final = ("incident", "instance", "remote_id")
COLUMNS: Final = (*NEEDED, "direction")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the file, as it stands there; `trouble`: why it is no pair."""

    where: str
    cells: Mapping[str, str]
    trouble: str = ""


def run(
    app: App,
    actor: Actor,
    path: Path,
    *,
    tags: tuple[str, ...] = (),
    dry_run: bool = False,
    progress: Progress = silent,
) -> Findings:
    """Link what the file names; a bad line is told with its place and its reason, and the others go on.

    Each pair is asked about first, as `link find` does; what is linked already is left as it is, so a file can be given
    again. `dry_run` only tells. Raises Invalid when the file as a whole cannot be read.
    """
    require(actor, "link.find" if dry_run else "link.adopt")
    read = list(lines(path))
    importer = _Importer(app, read)
    findings = Findings(scanned=len(read))
    for done, line in enumerate(read):
        progress("importing lines", done, len(read))
        pair = importer.pair(line)
        if pair.verdict is Verdict.CLEAR and not dry_run:
            pair = links_adopt.adopt(app, actor, pair, tags)
        findings.pairs.append(pair)
    findings.stopped = "; ".join(importer.stopped.values())
    return findings


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file behind its header; empty ones are passed over. Raises Invalid."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip().casefold() for cell in next(reader, [])]
            _mind_header(path, header)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield _line(f"{path}:{reader.line_num}", header, cells)
    except csv.Error as error:
        raise Invalid(f"{path}:{reader.line_num}: this is no CSV: {error}") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: it is not written in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from None


def _mind_header(path: Path, header: list[str]) -> None:
    missing = [name for name in NEEDED if name not in header]
    unknown = [name or "(empty)" for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) < len(header):
        wrong = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown) or 'a column twice'}"
        raise Invalid(
            f"{path}:1: the first line {wrong}; the columns are {', '.join(NEEDED)} and, if wanted, direction"
        )


def _line(where: str, header: list[str], cells: list[str]) -> Line:
    found = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    if len(cells) != len(header):
        return Line(where=where, cells=found, trouble=f"it has {len(cells)} cells, the first line {len(header)}")
    return Line(where=where, cells=found, trouble=_trouble(found))


def _trouble(cells: Mapping[str, str]) -> str:
    number, remote_id = cells["incident"], cells["remote_id"]
    if not rows.is_id(number):
        return f"incident {number!r} is no number of an incident"
    if not cells["instance"]:
        return "instance is empty"
    if not remote_id:
        return "remote_id is empty; an import creates no objects (`casemirror link add` does)"
    if len(remote_id) > LONGEST_ID or not remote_id.isprintable():
        return f"remote_id is no id: it has {len(remote_id)} characters, or unprintable ones"
    direction = cells.get("direction", "")
    if direction and Direction.parse(direction) is Direction.NONE:
        return f"direction {direction!r} is none of In, Out, Both"
    return ""


def _keys(line: Line) -> tuple[tuple[tuple[str, ...], str], ...]:
    """What may be named once only, and with what this line names it: the object of an incident, the incident of an object."""
    number, instance, remote_id = (line.cells[name] for name in NEEDED)
    number = str(int(number))
    return (("incident", number, "at", instance), remote_id), ((instance, remote_id), number)


class _Importer:
    """Makes pairs of lines; what two lines want otherwise is left on both."""

    def __init__(self, app: App, read: Sequence[Line]) -> None:
        self._app = app
        self._desks: dict[str, Desk] = {}
        self._named: dict[tuple[str, ...], dict[str, str]] = {}
        self.stopped: dict[str, str] = {}
        for line in read:
            if not line.trouble:
                for key, wanted in _keys(line):
                    self._named.setdefault(key, {}).setdefault(wanted, line.where)

    def pair(self, line: Line) -> Pair:
        """The pair that a line names, with its verdict."""
        number = line.cells.get("incident", "")
        pair = Pair(
            incident_id=IncidentId(int(number) if rows.is_id(number) else 0),
            instance=line.cells.get("instance", ""),
            remote_id=line.cells.get("remote_id", ""),
            direction=Direction.parse(line.cells.get("direction") or "Both").value,
            where=line.where,
        )
        trouble = line.trouble or self._contradicted(line)
        return replace(pair, reason=trouble) if trouble else self._examined(pair)

    def _contradicted(self, line: Line) -> str:
        """Which other line links the same incident or the same object to something else; empty when none does."""
        for key, wanted in _keys(line):
            others = [where for other, where in self._named[key].items() if other != wanted]
            if others:
                return f"{others[0]} links {' '.join(key)} to something else"
        return ""

    def _examined(self, pair: Pair) -> Pair:
        stopped = self.stopped.get(pair.instance)
        if stopped:
            return replace(pair, reason=f"not asked about: {stopped}")
        try:
            return links_adopt.examine(self._app, self._desk(pair.instance), pair)
        except LaneMustWait as error:
            self.stopped[pair.instance] = error.message
            return replace(pair, reason=f"not asked about: {error.message}")
        except BadRequest as error:
            return replace(pair, reason=error.message)

    def _desk(self, instance: str) -> Desk:
        if instance not in self._desks:
            self._desks[instance] = Desk(self._app, instance)
        return self._desks[instance]
