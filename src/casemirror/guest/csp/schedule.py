"""Commands that run again later."""

from csp import results, server
from csp.errors import DemistoException
from csp.host import demisto

MIN_VERSION = "6.2.0"
SHORTEST_DELAY_S = 10


class ScheduledCommand:
    """Asks the server to run a command later. DemistoException on a server older than 6.2.0.

    command               its name
    next_run_in_seconds   delay, at least 10 s
    args                  its arguments
    timeout_in_seconds    the server stops repeating after so long; its own default when None
    """

    VERSION_MISMATCH_ERROR = f"This command needs a server of version {MIN_VERSION} or later: it runs again by schedule"

    def __init__(self, command, next_run_in_seconds, args=None, timeout_in_seconds=None):
        self.raise_error_if_not_supported()
        self._command = command
        self._next_run = str(max(int(next_run_in_seconds), SHORTEST_DELAY_S))
        self._args = args
        self._timeout = None if timeout_in_seconds is None else str(timeout_in_seconds)

    @staticmethod
    def supports_polling():
        """Whether the server can run a command again by itself."""
        return server.is_at_least(MIN_VERSION)

    @staticmethod
    def raise_error_if_not_supported():
        """DemistoException when it cannot."""
        if not ScheduledCommand.supports_polling():
            raise DemistoException(ScheduledCommand.VERSION_MISMATCH_ERROR)

    def to_results(self):
        """The entry's keys that make the server run it: PollingCommand, NextRun, PollingArgs, Timeout; empty ones left out."""
        keys = {
            "PollingCommand": self._command,
            "NextRun": self._next_run,
            "PollingArgs": self._args,
            "Timeout": self._timeout,
        }
        return {key: value for key, value in keys.items() if value}


class PollResult:
    """What a function under polling_function gives back.

    response            the answer when there is nothing more to wait for
    continue_to_poll    True, or a function that tells: ask again later
    args_for_next_run   arguments of the next run; those of this one when None
    partial_result      CommandResults shown the first time while waiting
    """

    def __init__(self, response, continue_to_poll=False, args_for_next_run=None, partial_result=None):
        self.response = response
        self.continue_to_poll = continue_to_poll
        self.args_for_next_run = args_for_next_run
        self.partial_result = partial_result or results.CommandResults(readable_output="Waiting for polling execution")


def polling_function(
    name,
    interval=30,
    timeout=600,
    poll_message="Fetching Results:",
    polling_arg_name="polling",
    requires_polling_arg=True,
):
    """Decorator for a command's function(args, …) → PollResult: the command named runs again until there is nothing to wait for.

    interval, timeout      seconds; the command's arguments interval_in_seconds, timeout_in_seconds overrule them
    polling_arg_name       argument that turns the waiting on (with requires_polling_arg)
    """

    def decorate(func):
        def run(args, *more, **keywords):
            poll = func(args, *more, **keywords)
            if requires_polling_arg and str(args.get(polling_arg_name)).lower() not in ("true", "yes"):
                return poll.response
            again = poll.continue_to_poll() if callable(poll.continue_to_poll) else poll.continue_to_poll
            if not again:
                return poll.response
            next_args = dict(args if poll.args_for_next_run is None else poll.args_for_next_run)
            answer = poll.partial_result
            if next_args.pop("hide_polling_output", False):
                answer.readable_output = ""
            elif not answer.readable_output:
                answer.readable_output = poll_message
            next_args["hide_polling_output"] = True
            answer.scheduled_command = ScheduledCommand(
                command=name,
                next_run_in_seconds=int(args.get("interval_in_seconds") or interval),
                args=next_args,
                timeout_in_seconds=int(args.get("timeout_in_seconds") or timeout),
            )
            demisto.debug(f"{name} runs again in {answer.scheduled_command.to_results()['NextRun']} s")
            return answer

        return run

    return decorate
