"""What has to happen once the run's parameters are known, before the integration is imported."""

from csp import logs, params
from csp.host import demisto


def begin_run():
    """Make the parameters tolerant of unset values, and LOG mask their secrets. To be called once a command, before its script."""
    params.make_tolerant()
    logs.LOG.restart(demisto.params() or {}, logs.is_debug_mode())
