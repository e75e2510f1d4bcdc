"""`LOG` and the decorator that logs calls. Whatever goes through `LOG` has the secrets of the parameters taken out."""

import functools

from csp import secrets_
from csp.host import demisto

MASK = "<XX_REPLACED>"


class IntegrationLogger:
    """Collects masked messages and hands them to the server's log on request.

    messages       masked texts not yet handed over
    buffering      False: each message goes to the server at once (the state in debug mode)
    """

    def __init__(self, debug_logging=False):
        self.messages = []
        self.replace_strs = []
        self.buffering = not debug_logging

    def __call__(self, message):
        text = self.encode(message)
        if self.buffering:
            self.messages.append(text)
        else:
            demisto.debug(text)
        return text

    def encode(self, message):
        """The message as text, with every known secret replaced."""
        text = message if isinstance(message, str) else _to_text(message)
        for secret in self.replace_strs:
            text = text.replace(secret, MASK)
        return text

    def add_replace_strs(self, *args):
        """Mask these texts, in every form in which they may turn up, from now on."""
        known = set(self.replace_strs)
        for secret in args:
            known.update(secrets_.forms(_to_text(secret)) if secret else [])
        # the longest first: a secret may be part of another one's encoded form
        self.replace_strs = sorted(known, key=len, reverse=True)

    def write(self, msg):
        """Take what is written as to a file: each text that is not blank is a message."""
        text = _to_text(msg).strip()
        if text:
            self(text)

    def print_override(self, *args, **_kwargs):
        """Take what `print` was given."""
        self.write(" ".join(_to_text(arg) for arg in args))

    def set_buffering(self, state):
        """Collect messages (True) or send each at once (False)."""
        self.buffering = state

    def print_log(self, verbose=False):
        """Send what was collected as one line of the server's info log, and forget it."""
        if self.messages:
            text = "Full Integration Log:\n" + "\n".join(self.messages)
            (demisto.log if verbose else demisto.info)(text)
        self.messages = []

    def restart(self, params, debug_logging):
        """Forget the run before and mask the secrets of these parameters."""
        self.__init__(debug_logging)
        self.add_replace_strs(*secrets_.find(params))


def _to_text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    try:
        return str(value)
    except Exception as err:  # a log line must never be what makes a command fail
        return f"<{type(value).__name__} without a text: {type(err).__name__}>"


# One object for good, refilled for each run: integrations hold it by name from their star import on.
LOG = IntegrationLogger()


def is_debug_mode():
    """Whether the command was started in debug mode."""
    return bool(getattr(demisto, "is_debug", False))


def add_sensitive_log_strs(sensitive_str):
    """Mask this text, too, in everything that goes through LOG."""
    if sensitive_str:
        LOG.add_replace_strs(sensitive_str)


def logger(func):
    """Decorator: logs the function's name and arguments, in debug mode also what it gave back."""

    @functools.wraps(func)
    def logged(*args, **kwargs):
        LOG(f"calling {func.__name__}({', '.join(_shown(args, kwargs))})")
        result = func(*args, **kwargs)
        if is_debug_mode():
            LOG(f"return value [{func.__name__}]: {_to_text(result)}")
        return result

    return logged


def _shown(args, kwargs):
    return [_to_text(arg) for arg in args] + [f"{name}={_to_text(value)}" for name, value in kwargs.items()]
