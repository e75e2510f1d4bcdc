"""What has to happen once the run's parameters are known, before the integration is imported."""

import sys

from csp import debugging, logs, params
from csp.host import demisto


def begin_run():
    """Make the parameters tolerant of unset values, LOG mask their secrets, and in debug mode log what libraries say.

    To be called once a command, before its script.
    """
    params.make_tolerant()
    logs.LOG.restart(demisto.params() or {}, logs.is_debug_mode())
    facade = sys.modules.get("CommonServerPython")
    if facade is None:
        return
    if facade._requests_logger:
        facade._requests_logger.stop()
    facade._requests_logger = debugging.DebugLogger() if logs.is_debug_mode() else None
