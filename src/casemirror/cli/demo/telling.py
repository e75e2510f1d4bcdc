"""Do one change, watch where it arrives, and say so in one line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from casemirror.cli.demo.sides import Ids, Side, Ticket
from casemirror.cli.demo.stage import Stage

PATIENCE_S = 45.0
"""A change that did not arrive after that long is lost."""
LOOK_S = 0.1

Check = Callable[[Ticket], bool]


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A change that did not arrive somewhere."""

    what: str
    where: str


@dataclass(kw_only=True)
class Teller:
    """Tells the story, and keeps count.

    made       changes that people made
    mirrored   arrivals of a change on another side
    """

    stage: Stage
    console: Console
    made: int = 0
    mirrored: int = 0
    lost: list[Lost] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)

    def chapter(self, text: str) -> None:
        """A heading."""
        self.console.print(Text(f"\n{text}", style="bold"))

    def tell(self, who: str, what: str, do: Callable[[], object], arrives: dict[str, Callable[[], bool]]) -> None:
        """Do a change and watch it arrive; `arrives`: place → whether it is there."""
        self.stage.must_live()
        self.made += 1
        self.console.print(Text.assemble((f"  {who:<6}", "cyan"), f"{what:<62}"), end="", soft_wrap=True)
        began = time.monotonic()
        do()
        waiting, first = dict(arrives), True
        while waiting and time.monotonic() - began < PATIENCE_S:
            for place in [place for place, is_there in waiting.items() if is_there()]:
                del waiting[place]
                self._arrived(place, (time.monotonic() - began) * 1000, first)
                first = False
            if waiting:
                self.stage.must_live()
                self.stage.app.clock.sleep(LOOK_S)
        for place in waiting:
            self.lost.append(Lost(what=what, where=place))
            self.console.print(
                Text(f"  not in {place} after {PATIENCE_S:g} s", style="bold red"), end="", soft_wrap=True
            )
        self.console.print()

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait without a word."""
        ends = time.monotonic() + PATIENCE_S
        while not is_so() and time.monotonic() < ends:
            self.stage.app.clock.sleep(LOOK_S)

    def _arrived(self, place: str, after_ms: float, first: bool) -> None:
        self.mirrored += 1
        self.times_ms.append(after_ms)
        arrow = "→" if first else ","
        space = " " if first else ""
        self.console.print(
            Text.assemble((f"{space}{arrow} ", "dim"), (place, "green"), f" {after_ms:.0f} ms"), end="", soft_wrap=True
        )


def on(side: Side, ids: Ids, check: Check) -> Callable[[], bool]:
    """Whether a ticket looks so on one side."""

    def is_there() -> bool:
        ticket = side.look(ids)
        return ticket is not None and check(ticket)

    return is_there
