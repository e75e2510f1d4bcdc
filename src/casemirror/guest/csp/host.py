"""The `demisto` object as the parts of CommonServerPython see it.

The true object is put into `sys.modules["demistomock"]` by whoever starts the run: by the child for each command, by tests for each test.
The parts are imported earlier than that, so they hold this stand-in and look the true object up at each use.
"""

import sys


class Host:
    """Stands for the `demisto` object of the current run; every attribute is the true object's."""

    def __getattr__(self, name):
        return getattr(self._target(), name)

    def __setattr__(self, name, value):
        setattr(self._target(), name, value)

    @staticmethod
    def _target():
        try:
            return sys.modules["demistomock"]
        except KeyError:
            # AttributeError, so that hasattr() gives False instead of failing
            raise AttributeError("no command is running: the demisto object is not installed") from None


demisto = Host()
