"""The instance's parameters, made tolerant of unset ones."""

import os

from csp.host import demisto


class SmartGetDict(dict):
    """A dict whose `.get` gives the default also where None is stored: an unset parameter is a key whose value is null."""

    def get(self, key, default=None):
        """The stored value, or the default when there is none or it is None."""
        value = super().get(key)
        return default if value is None else value


def make_tolerant():
    """Put a SmartGetDict in place of the run's parameters, unless there are none or the environment forbids it."""
    if os.getenv("COMMON_SERVER_NO_AUTO_PARAMS_REMOVE_NULLS"):
        return
    params = demisto.params()
    if params and not isinstance(params, SmartGetDict):
        demisto.callingContext["params"] = SmartGetDict(params)
