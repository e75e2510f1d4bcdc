"""The runtime of tests without processes: a remote that answers by a script, as the store's clock is turned by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from casemirror.runtime.command import Command, Ending, Reply

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Remote:
    """A scripted remote: command name → what the integration answers. Keeps what it was asked."""

    answers: dict[str, Callable[[Mapping[str, Any]], Reply]] = field(default_factory=dict)
    asked: list[Command] = field(default_factory=list)

    def run(self, command: Command) -> Reply:
        """Answer one command; one that is not scripted fails."""
        self.asked.append(command)
        answer = self.answers.get(command.name)
        return answer(command.args) if answer else Reply(ending=Ending.RAISED, error=f"{command.name}: not scripted")

    def will(self, name: str, *results: Any, **reply: Any) -> None:
        """Script a command."""
        self.answers[name] = lambda _: Reply(results=results, **reply)
