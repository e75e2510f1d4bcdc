"""What libraries say, brought into the command's log: Python's `logging`, `warnings`, and the HTTP lines of debug mode."""

import http.client
import logging
import platform
import re
import warnings
import weakref

from csp import logs
from csp.host import demisto

# secrets that no parameter holds: what stands behind such a name in a header (to the end of its line), a form, a query, JSON
_SECRET_HEADER = re.compile(
    r"(?i)([\w-]*(?:authorization|authenticat|cookie|token|secret|key)[\w-]*)(: +)(?:(?!\\[rn]|[\r\n]).)+"
)
_SECRET_FIELD = re.compile(
    r"""(?i)([\w-]*(?:authorization|token|secret|passw|api_?key|assertion)[\w-]*["']?(?:=|: ?["']))[^"'&\s\\]+"""
)


def without_credentials(text):
    """The text with the values masked of headers and fields whose names promise a secret."""
    text = _SECRET_FIELD.sub(lambda found: found[1] + logs.MASK, text)
    return _SECRET_HEADER.sub(lambda found: found[1] + found[2] + logs.MASK, text)


class _SentAtOnce(logs.IntegrationLogger):
    """Knows the secrets that LOG knows by then, and sends each message at once."""

    def __init__(self):
        super().__init__(debug_logging=True)

    def encode(self, message):
        return logs.LOG.encode(message)


class DemistoHandler(logging.Handler):
    """Handler of Python's `logging` that gives each message to an IntegrationLogger, or without one to `demisto.debug`."""

    def __init__(self, int_logger=None):
        super().__init__()
        self.int_logger = int_logger

    def emit(self, record):
        """Hand over one record; what cannot be shown is told to `logging`, and the command goes on."""
        try:
            text = without_credentials(self.format(record))
            (self.int_logger or demisto.debug)(text)
        except Exception:
            self.handleError(record)


class WarningsHandler:
    """While it lives, Python's warnings go to the info log instead of to stderr."""

    def __init__(self):
        self.stop = weakref.finalize(self, setattr, warnings, "showwarning", warnings.showwarning)
        warnings.showwarning = self.handle_warning

    @staticmethod
    def handle_warning(message, category, filename, lineno, file=None, line=None):
        """Log one warning."""
        text = warnings.formatwarning(message, category, filename, lineno, line).rstrip()
        demisto.info(f"python warning: {text}")


class DebugLogger:
    """While it lives, everything that libraries log, and every line of HTTP, goes to the debug log through LOG, without secrets.

    One is started for each command in debug mode. `int_logger` is what it writes to; `stop()` puts back what was there before.
    """

    def __init__(self):
        self.int_logger = _SentAtOnce()
        handler = DemistoHandler(self.int_logger)
        handler.setFormatter(logging.Formatter("python logging: %(levelname)s [%(name)s] - %(message)s"))
        root, connection = logging.getLogger(), http.client.HTTPConnection
        self.stop = weakref.finalize(self, _undo, handler, root.level, connection.debuglevel)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        connection.debuglevel = 1
        # http.client prints these lines; a module's global comes before the builtin
        http.client.print = _printer(self.int_logger)

    def log_start_debug(self):
        """Say in the log what this command is and under which Python it runs."""
        self.int_logger(f"debug-mode started for {demisto.command()}, Python {platform.python_version()}")

    def log_stop_debug(self):
        """Say in the log that the command is over."""
        self.int_logger("debug-mode stopped")


def _printer(int_logger):
    return lambda *parts, **_how: int_logger(without_credentials(" ".join(str(part) for part in parts)))


def _undo(handler, level, debuglevel):
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)
    http.client.HTTPConnection.debuglevel = debuglevel
    vars(http.client).pop("print", None)
