"""The server configuration keys: one table that names, types, bounds and documents each of them.

Values are stored as text; `Settings` reads them. An unknown or malformed stored value falls back to the default and is
reported once by whoever loads them (`Settings.from_stored`); `check` is for people who set one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from casemirror.model.errors import Invalid, NotFound
from casemirror.model.values import Json


@dataclass(frozen=True)
class Key:
    """One setting.

    kind      `bool`, `seconds`, `minutes`, `count`, `choice`, `list`, `percent`, `text`, `address` (``host:port``), `secret` or
              `urls`; the last two are stored encrypted, and shown no more than needed to know them again
    choices   what a choice, or each word of a list, may be; empty: anything
    """

    name: str
    kind: str
    default: Json
    meaning: str
    choices: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Its value is stored encrypted and is no part of `Settings`."""
        return self.kind in ("secret", "urls")


_TABLE: Final = (
    Key("sync.mirror.job.enable", "bool", True, "turns the mirror job on or off; fetching goes on"),
    Key("sync.mirror.job.delay", "minutes", 1, "interval of the mirror job, start to start"),
    Key(
        "sync.mirror.job.delayAdvanced",
        "seconds",
        None,
        "interval in seconds; wins over `sync.mirror.job.delay` when set",
    ),
    Key(
        "mirror.command.timeout",
        "seconds",
        300,
        "wall clock limit of one mirror command; at the limit its process group is killed",
    ),
    Key("mirror.first.lookback", "seconds", 60, "taken off the first `lastUpdate` of an instance and of an incident"),
    Key(
        "mirror.overlap",
        "seconds",
        60,
        "taken off every later `lastUpdate`: covers clock skew and late indexes; 0 imitates XSOAR strictly",
    ),
    Key(
        "mirror.overlap.max",
        "seconds",
        3600,
        "a remote that tells its changes late is asked further back than `mirror.overlap`, up to this; 0: never",
    ),
    Key("mirror.unmatched.ttl", "seconds", 3600, "how long a reported remote id without incident is remembered"),
    Key("mirror.reprobe", "seconds", 3600, "how long “not implemented” is believed of a command"),
    Key(
        "mirror.reconcile",
        "seconds",
        86400,
        "an incident not pulled for that long is pulled once behind all others; 0 turns the sweep off",
    ),
    Key("mirror.echo.guard", "seconds", 600, "how long the value before a push is taken for a stale echo"),
    Key(
        "mirror.pingpong",
        "count",
        10,
        "a field that changed to and fro more often than that within an hour is not sent until it is quieter; 0: never",
    ),
    Key("mirror.legacy.dirty", "bool", False, "XSOAR ≤ 6.1: a field edited here is never overwritten from remote"),
    Key(
        "mirror.conflict",
        "choice",
        "local",
        "who wins when a field changed on both sides and ours was not sent yet; `casemirror policy` decides for single fields",
        ("local", "remote", "newest", "xsoar-dirty", "union", "append", "max", "ask"),
    ),
    Key(
        "mirror.passthrough",
        "list",
        ["closeReason", "closeNotes", "closingUserId", "owner"],
        "changed fields that reach `delta` and `data` under their own names although the outgoing mapper lacks them",
    ),
    Key(
        "mirror.null.empties",
        "bool",
        False,
        "a remote object that tells null empties the field; otherwise only an empty text or list does, as in XSOAR",
    ),
    Key("mirror.reclassify", "bool", False, "run the classifier on mirror-in, which may change the incident type"),
    Key(
        "mirror.cycles",
        "list",
        [],
        "instances whose objects may be mirrored in although they are mirrored from our own incidents (a cycle of servers)",
    ),
    Key("mirror.create.remote", "bool", True, "create the remote object of an outgoing incident that has no remote id"),
    Key("mirror.create.attempts", "count", 3, "creation calls that answer no id before the link waits for a change"),
    Key("mirror.instance.budget", "count", 0, "pulls per cycle and instance; 0 means no cap"),
    Key(
        "mirror.budget.learn",
        "bool",
        True,
        "a remote's “API rate limit” teaches how many requests its credential may make; `casemirror budget` shows it",
    ),
    Key("mirror.entries.batch", "count", 0, "entries per call of update-remote-system; 0 sends all in one call"),
    Key(
        "mirror.link.pull",
        "bool",
        True,
        "pull an incident once as soon as it is fetched or linked, without waiting for a poll to name it",
    ),
    Key(
        "mirror.resend.inbound",
        "bool",
        False,
        "an entry that came in by a link goes back out by it when a person gives it a tag of that link",
    ),
    Key("mirror.retry.max", "minutes", 60, "longest wait between two tries of a failing link"),
    Key(
        "mirror.probe.empty",
        "bool",
        False,
        "call get-modified-remote-data also for an instance without incoming incidents",
    ),
    Key(
        "mirror.push.freshness",
        "seconds",
        None,
        "a push is not preceded by a pull when the last one is younger; unset: the job interval. Where a conflict is not simply won by us, a push always is",
    ),
    Key(
        "mirror.brake.closed",
        "percent",
        50,
        "share of an instance's open incidents that one poll may close, or whose objects may be gone within an hour, before its lane stops and asks; 0 turns the brake off",
    ),
    Key("mirror.brake.minimum", "count", 10, "fewer open incidents than this never trip the brake"),
    Key("mapping.script.timeout", "seconds", 10, "wall clock limit of a pack's script that a mapper uses as operator"),
    Key("mirror.payload.keep", "seconds", 2592000, "how long raw remote payloads are kept"),
    Key(
        "incidents.fetch.delayAdvanced",
        "seconds",
        None,
        "interval of fetch-incidents in seconds; wins over each instance's own interval when set (demos)",
    ),
    Key(
        "incidents.create.active",
        "bool",
        True,
        "new incidents are opened at once; otherwise they are pending and exchange no entries",
    ),
    Key(
        "incident.closereasons",
        "list",
        ["False Positive", "Resolved", "Duplicate", "Other"],
        "reasons that a person may give when closing; an empty list allows any. Reasons from a remote are never checked",
    ),
    Key("files.max", "count", 104857600, "largest file that is taken in, bytes"),
    Key("runtime.memory", "count", 1073741824, "memory of one command, bytes: address space of each of its processes"),
    Key(
        "runtime.disk",
        "count",
        2147483648,
        "what one command may write in its folder, bytes; read when a server starts",
    ),
    Key("runtime.processes", "count", 256, "processes and threads of one command; read when a server starts"),
    Key(
        "runtime.user",
        "text",
        None,
        "user that integrations run as where casemirror runs as root; unset: `nobody` if he can read Python; read when a server starts",
    ),
    Key(
        "runtime.landlock",
        "bool",
        True,
        "keep integrations from files, signals and ports as far as the kernel can (docs/isolation.md); read when a server starts",
    ),
    Key("runtime.read", "list", [], "further files and folders that integrations may read; read when a server starts"),
    Key("runtime.write", "list", [], "further folders that integrations may write; read when a server starts"),
    Key("runtime.idle", "seconds", 300, "a warm process that had nothing to do for that long leaves"),
    Key(
        "notify.states",
        "list",
        ["failing", "degraded", "paused"],
        "a notice is sent when an instance enters or leaves one of these states",
        ("ok", "waiting", "paused", "degraded", "failing"),
    ),
    Key("notify.webhook", "urls", None, "where notices are posted as JSON; several with commas between them"),
    Key("notify.email.to", "list", [], "who gets notices by e-mail"),
    Key("notify.email.from", "text", None, "sender of the e-mails"),
    Key("notify.email.server", "address", None, "mail server that takes them, `host:port`"),
    Key("notify.email.starttls", "bool", True, "encrypt the connection to the mail server before anything is told"),
    Key("notify.email.user", "text", None, "user at the mail server; unset: no log-in"),
    Key("notify.email.password", "secret", None, "that user's password"),
)

KEYS: Final[Mapping[str, Key]] = {key.name: key for key in _TABLE}


def parse(key: Key, text: str) -> Json:
    """Read the text of a setting. Raises Invalid, saying what would be right; the empty text means the default."""
    text = text.strip()
    if text == "" and key.kind != "list":
        return key.default
    if key.kind == "bool":
        return _boolean(key, text)
    if key.kind == "choice":
        if text not in key.choices:
            raise Invalid(f"{key.name}: {text!r} is none of {', '.join(key.choices)}")
        return text
    if key.kind == "list":
        return _words(key, text)
    if key.kind in ("text", "secret"):
        return text
    if key.kind == "address":
        address(text, key.name)
        return text
    if key.kind == "urls":
        return [_url(key, part) for part in _words(key, text)]
    return _number(key, text)


def _words(key: Key, text: str) -> list[str]:
    words = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [word for word in words if key.choices and word not in key.choices]
    if wrong:
        raise Invalid(f"{key.name}: {wrong[0]!r} is none of {', '.join(key.choices)}")
    return words


def address(text: str, what: str) -> tuple[str, int]:
    """Read ``host:port``; a host that is an IPv6 address stands in brackets. Raises Invalid."""
    host, colon, port = text.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not (colon and bare and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536) or (
        ":" in bare and host == bare
    ):
        raise Invalid(f"{what}: {text!r} is no address; write it as host:port, such as localhost:9464")
    return bare, int(port)


def shown_url(url: str) -> str:
    """A URL as people may see it: without user, password, path and query, any of which may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def _url(key: Key, text: str) -> str:
    """The address, which is not repeated in an error: it may hold a token."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Invalid(f"{key.name}: one of the addresses is no URL like https://example.com/hook")
    return text


def _boolean(key: Key, text: str) -> bool:
    if text.lower() in ("true", "yes", "1", "on"):
        return True
    if text.lower() in ("false", "no", "0", "off"):
        return False
    raise Invalid(f"{key.name}: {text!r} is neither true nor false")


def _number(key: Key, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise Invalid(f"{key.name}: {text!r} is no number ({key.kind})") from None
    if not 0 <= number < 1e12 or (key.kind == "percent" and number > 100):
        raise Invalid(f"{key.name}: {text} is out of range ({key.kind}, 0 or more)")
    if key.kind == "count" and number != int(number):
        raise Invalid(f"{key.name}: {text} is no whole number")
    return int(number) if number == int(number) else number


def key_named(name: str) -> Key:
    """The setting with that name. Raises NotFound, naming the nearest ones."""
    if name in KEYS:
        return KEYS[name]
    near = [k for k in KEYS if name.lower() in k.lower() or k.split(".")[-1].lower() == name.split(".")[-1].lower()]
    raise NotFound(
        f"no setting {name!r}"
        + (f"; did you mean {', '.join(near)}?" if near else "; `casemirror config list` shows all")
    )


@dataclass(frozen=True)
class Settings:
    """All settings with their values; missing ones have their default."""

    values: Mapping[str, Json]

    @classmethod
    def from_stored(cls, stored: Mapping[str, str]) -> tuple[Settings, list[str]]:
        """Read stored texts; the list holds one warning for each value that could not be read (its default is used)."""
        values: dict[str, Json] = {}
        warnings: list[str] = []
        for name, text in stored.items():
            try:
                if not key_named(name).is_secret:
                    values[name] = parse(key_named(name), text)
            except (Invalid, NotFound) as error:
                warnings.append(error.message)
        return cls(values), warnings

    def __getitem__(self, name: str) -> Json:
        value = self.values.get(name)
        return KEYS[name].default if value is None else value

    def seconds(self, name: str) -> float:
        """A duration in seconds, whatever unit the key has."""
        value = self[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} has no number")
        return float(value) * (60 if KEYS[name].kind == "minutes" else 1)

    def count(self, name: str) -> int:
        """A whole number."""
        value = self[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} has no number")
        return int(value)

    def flag(self, name: str) -> bool:
        """A boolean."""
        return bool(self[name])

    def text(self, name: str) -> str:
        """A text; empty when it is not set."""
        value = self[name]
        return "" if value is None else str(value)

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words."""
        value = self[name]
        return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()

    @property
    def interval_s(self) -> float:
        """Interval of the mirror job, seconds.   Source: MIR-002…004."""
        if self["sync.mirror.job.delayAdvanced"] is not None:
            return max(self.seconds("sync.mirror.job.delayAdvanced"), 0.1)
        return max(self.seconds("sync.mirror.job.delay"), 0.1)

    @property
    def freshness_s(self) -> float:
        """How old a pull may be for a push to go without another one, seconds."""
        value = self["mirror.push.freshness"]
        return self.interval_s if value is None else self.seconds("mirror.push.freshness")
