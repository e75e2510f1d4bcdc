"""Every error that casemirror raises on purpose, sorted by what the engine does next.

::

    CasemirrorError
    ├── RetryLater            this link waits and is tried again
    │   ├── CommandFailed     the integration reported an error
    │   │   └── NotImplementedByIntegration  it has no such command
    │   ├── RemoteGone        the remote says that the object is not there; the link waits ever longer
    │   ├── OutcomeUnknown    what was sent may be there although no search shows it yet
    │   ├── NotCreated        a creation call answered no id
    │   ├── CommandTimedOut   the wall clock limit ran out, the process group was killed
    │   └── ProcessDied       the child ended without an answer
    ├── LaneMustWait          the lane waits; nothing counts as a failure; the same link is first again
    │   ├── RateLimited       "API rate limit"
    │   ├── PollSkipped       "skip update"
    │   └── BrakePulled       too much would change at once: it waits until a person says go on
    ├── NeedsAttention        held until a person or a new mapper changes something
    │   ├── MappingFailed
    │   ├── MalformedReply    the reply is not data
    │   ├── CreateRefused     creation calls answer no id, again and again
    │   └── CreateUnconfirmed nobody knows whether the remote object was created
    ├── NotOurTurn            dropped silently, still due
    │   ├── LaneLost          another worker owns the lane now
    │   └── IncidentChanged   a person changed the incident while we planned
    └── BadRequest            the caller is told: CLI exit 2, HTTP 4xx
        ├── NotFound
        ├── Invalid
        ├── Forbidden
        └── Conflict

Anything else is a bug: one traceback, and the lane starts again with back-off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from casemirror.model.link import Absence


class CasemirrorError(Exception):
    """Base of all: `code` is stable, `message` is for the person, `detail` for the developer.

    Neither text may hold a secret; whoever builds one from an integration's output filters it first.
    """

    code: ClassVar[str] = "casemirror.error"

    def __init__(self, message: str, *, detail: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.stable_code = code or self.code


class RetryLater(CasemirrorError):
    """This link waits and is tried again."""

    code = "remote.failed"


class CommandFailed(RetryLater):
    """The integration answered with an error entry or raised."""

    code = "command.failed"


class NotImplementedByIntegration(CommandFailed):
    """The integration has no such command, or says so of this one."""

    code = "command.not_implemented"


class RemoteGone(RetryLater):
    """The remote says that the object is deleted, merged into another one, or moved."""

    code = "remote.gone"

    def __init__(self, absence: Absence) -> None:
        super().__init__(absence.words)
        self.absence = absence


class OutcomeUnknown(RetryLater):
    """What an earlier call may have written was looked for and not found, too early to believe that it is not there."""

    code = "push.outcome_unknown"


class NotCreated(RetryLater):
    """A creation call ended well and answered no id: the integration made nothing, this time."""

    code = "link.not_created"


class CommandTimedOut(RetryLater):
    """The command's wall clock limit ran out and its process group was killed."""

    code = "command.timed_out"


class ProcessDied(RetryLater):
    """The child ended (signal, memory, exit) without an answer."""

    code = "command.died"


class LaneMustWait(CasemirrorError):
    """The whole lane waits; nothing counts as a failure of a link.

    incoming   it was met while asking the remote, not while writing: changes made here are still sent
    """

    code = "lane.must_wait"
    incoming = False


class RateLimited(LaneMustWait):
    """The remote asked for a pause ("API rate limit")."""

    code = "remote.rate_limited"


class PollSkipped(LaneMustWait):
    """The integration asked to skip this cycle ("skip update")."""

    code = "remote.poll_skipped"


class BrakePulled(LaneMustWait):
    """Mirroring is about to close, or says that it lost, more at once than the brake allows; a person must say go on."""

    code = "lane.brake_pulled"


class NeedsAttention(CasemirrorError):
    """Held until a person or a new mapper changes something."""

    code = "link.needs_attention"


class MappingFailed(NeedsAttention):
    """A mapper cannot be used at all (a single bad field never raises this)."""

    code = "mapping.failed"


class MirrorCycle(NeedsAttention):
    """The remote object is mirrored from our own incident: to mirror it in would close a cycle of servers."""

    code = "link.mirror_cycle"


class MalformedReply(NeedsAttention):
    """The reply of a command is not in the contract's form."""

    code = "command.malformed_reply"


class CreateRefused(NeedsAttention):
    """Creation calls answer no id, again and again: the integration does not create objects."""

    code = "link.create_refused"


class CreateUnconfirmed(NeedsAttention):
    """A creation was begun and its outcome was never seen; creating again could double the remote object."""

    code = "link.create_unconfirmed"


class NotOurTurn(CasemirrorError):
    """Dropped silently; the work is still due and whoever has the turn does it."""

    code = "engine.not_our_turn"


class LaneLost(NotOurTurn):
    """The lane's epoch moved on: another worker owns it."""

    code = "lane.lost"


class IncidentChanged(NotOurTurn):
    """The incident's version moved on between read and write."""

    code = "incident.changed"


class BadRequest(CasemirrorError):
    """The caller asked for something that cannot be; exit 2 of the CLI."""

    code = "request.bad"


class NotFound(BadRequest):
    """What was named does not exist."""

    code = "request.not_found"


class Invalid(BadRequest):
    """A value has the wrong form; `message` says which, where and what would be right."""

    code = "request.invalid"


class Forbidden(BadRequest):
    """The caller may not do this."""

    code = "request.forbidden"


class Conflict(BadRequest):
    """It collides with what is there (a name twice, a stale version)."""

    code = "request.conflict"
