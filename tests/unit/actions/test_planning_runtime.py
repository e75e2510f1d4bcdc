"""The runtime of a look: what reads runs, and what an integration notes for itself stays in the look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from casemirror.actions.planning_runtime import LookingRuntime, masked
from casemirror.runtime.command import Code, Command, HostCalls, Reply
from casemirror.runtime.masking import Masker

CODE = Code(key="k", name="n", source="")


@dataclass
class Recorded:
    """Answers every command, after it did something to its host."""

    acts: Any = None
    replies: list[Reply] = field(default_factory=list)
    seen: list[Command] = field(default_factory=list)

    def run(self, command: Command) -> Reply:
        self.seen.append(command)
        if self.acts:
            self.acts(command)
        return self.replies.pop(0) if self.replies else Reply()

    def close(self) -> None:
        pass


def asked(name: str, instance: str = "desk", **rest: Any) -> Command:
    def refused(*_: Any) -> Any:
        raise AssertionError("the real host was written to")

    return Command(code=CODE, name=name, instance=instance, host=HostCalls(set_context=refused), **rest)


@pytest.mark.parametrize("name", ["update-remote-system", "test-module", "delete-everything"])
def test_what_could_write_is_never_run(name: str) -> None:
    inner = Recorded()
    with pytest.raises(RuntimeError, match=f"wanted to run {name}"):
        LookingRuntime(runtime=inner).run(asked(name))
    assert inner.seen == []


def test_scripts_of_mappers_run_as_they_are() -> None:
    inner = Recorded()
    script = asked("SomeTransformer", instance="")
    LookingRuntime(runtime=inner).run(script)
    assert inner.seen == [script]


def test_notes_of_one_command_are_seen_by_the_next_and_by_nobody_else() -> None:
    """A token that was fetched once is not fetched by each pull."""

    def note(command: Command) -> None:
        context, version = command.context, command.context_version
        assert command.host.set_context is not None and command.host.get_context is not None
        assert command.host.create_incidents is None
        written = command.host.set_context({**context, command.name: True}, version)
        assert command.host.get_context() == ({**context, command.name: True}, written)
        with pytest.raises(ValueError, match="stale"):
            command.host.set_context({}, version)
        assert command.host.set_context({**context, command.name: True}, -1) == written + 1

    inner = Recorded(acts=note, replies=[Reply(last_mirror_run={"page": 2}), Reply(last_run={"at": 1}), Reply()])
    runtime = LookingRuntime(runtime=inner)
    stored: dict[str, Any] = {"context": {"old": 1}, "context_version": 7, "last_run": {"at": 0}, "last_mirror_run": {}}
    for name in ("get-modified-remote-data", "get-remote-data", "fetch-incidents"):
        runtime.run(asked(name, **stored))
    first, second, third = inner.seen
    assert (first.context, first.last_run, first.last_mirror_run) == ({"old": 1}, {"at": 0}, {})
    assert second.context == {"old": 1, "get-modified-remote-data": True}
    assert (second.last_run, second.last_mirror_run) == ({"at": 0}, {"page": 2})
    assert (third.last_run, third.last_mirror_run) == ({"at": 1}, {"page": 2})


def test_requests_are_counted_for_the_look_and_told_to_nobody_who_would_book_them() -> None:
    runtime = LookingRuntime(runtime=Recorded(replies=[Reply(requests=3), Reply(requests=None), Reply(requests=2)]))
    assert [runtime.run(asked("get-remote-data")).requests for _ in range(3)] == [0, 0, 0]
    assert runtime.requests == 5


def test_values_are_masked_in_whatever_depth() -> None:
    mask = Masker(["hush-hush"])
    assert masked(mask, {"a hush-hush": ["x hush-hush", {"b": ("hush-hush", 3, None)}]}) == {
        "a <secret>": ["x <secret>", {"b": ["<secret>", 3, None]}]
    }
