"""The `demisto` object as the parts of CommonServerPython see it.

The true object is put into `sys.modules["demistomock"]` by whoever starts the run: by the child for each command, by tests for each test.
The parts are imported earlier than that, so they hold this stand-in and look the true object up at each use. Under an author's own tests
nobody puts one there, and our module `demistomock` serves.
"""

import importlib
import sys


class Host:
    """Stands for the `demisto` object of the current run; every attribute is the true object's."""

    __slots__ = ()  # no `__dict__` of its own either: patching tools look there for what they have to put back

    def __getattr__(self, name):
        return getattr(self._target(), name)

    def __setattr__(self, name, value):
        setattr(self._target(), name, value)

    def __delattr__(self, name):
        delattr(self._target(), name)

    @staticmethod
    def _target():
        try:
            return sys.modules.get("demistomock") or importlib.import_module("demistomock")
        except ImportError:
            # AttributeError, so that hasattr() gives False instead of failing
            raise AttributeError("no command is running: the demisto object is not installed") from None


demisto = Host()
