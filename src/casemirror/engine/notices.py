"""Tell people that the state of an instance changed: by webhook, by e-mail. At least once, and never in the way of a lane.

Addresses of webhooks may hold tokens: they are shown and logged without user, path and query, and notices in the database
name them by a hash.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final, Protocol

import requests

import casemirror
from casemirror.engine.app import App, log
from casemirror.model.errors import CasemirrorError, Invalid
from casemirror.model.health import Health
from casemirror.model.settings import KEYS, Settings, address, parse, shown_url
from casemirror.model.values import Json, time_text
from casemirror.store import notices as store
from casemirror.store import settings as stored_settings
from casemirror.store.notices import Notice

if TYPE_CHECKING:
    from sqlalchemy import Connection

TIMEOUT_S: Final = 10.0
"""Longest wait for one answer of a webhook or a mail server."""
TAKEN: Final = timedelta(seconds=120)
"""A notice that was begun that long ago and whose outcome nobody wrote is sent again: its process died."""
FIRST_RETRY_S: Final = 10.0
"""Wait after the first failure; doubled with each further one."""
LONGEST_RETRY_S: Final = 3600.0
GIVE_UP: Final = timedelta(days=3)
"""A notice that could not be sent for that long tells nothing any more."""


class NoticeFailed(CasemirrorError):
    """A webhook or mail server did not take a notice."""

    code = "notice.failed"


class Target(Protocol):
    """Somewhere to send notices to; `id` names it in the database, `shown` to people."""

    @property
    def id(self) -> str:
        """Stable, and tells nothing secret."""
        ...

    @property
    def shown(self) -> str:
        """As people know it."""
        ...

    def send(self, body: Mapping[str, Json]) -> None:
        """Send one notice. Raises NoticeFailed."""
        ...


@dataclass(frozen=True)
class Webhook:
    """A URL that JSON is posted to."""

    url: str = field(repr=False)

    @property
    def id(self) -> str:
        """A hash of the URL."""
        return f"webhook {hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    @property
    def shown(self) -> str:
        """The host."""
        return shown_url(self.url)

    def send(self, body: Mapping[str, Json]) -> None:
        """Post it; any answer but 2xx is a failure, a redirect is not followed."""
        agent = {"User-Agent": f"casemirror/{casemirror.__version__}"}
        try:
            with requests.post(
                self.url, json=dict(body), headers=agent, timeout=TIMEOUT_S, allow_redirects=False, stream=True
            ) as reply:
                status = reply.status_code
        except (requests.RequestException, ValueError) as error:  # whose texts repeat the address
            raise NoticeFailed(f"{self.shown} {_trouble(error)}") from None
        if not 200 <= status < 300:
            raise NoticeFailed(f"{self.shown} answered with status {status}")


def _trouble(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not trusted here"
    if isinstance(error, requests.Timeout):
        return f"gave no answer within {TIMEOUT_S:g} s"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"cannot be used ({type(error).__name__})"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """People who get e-mails, and the server that takes them."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    starttls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    id: str = "email"

    @property
    def shown(self) -> str:
        """Who gets it, and by which server."""
        return f"{', '.join(self.to)} by {self.host}:{self.port}"

    def send(self, body: Mapping[str, Json]) -> None:
        """Hand one e-mail to the server."""
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
                refused = server.send_message(self.message(body))
        except (OSError, smtplib.SMTPException) as error:
            raise NoticeFailed(f"the mail server {self.host}:{self.port} {_mail_trouble(error)}") from None
        except ValueError as error:
            raise NoticeFailed(f"the e-mail cannot be written: {error}") from None
        if refused:
            log.warning("notice.recipients_refused", server=self.host, refused=sorted(refused))

    def message(self, body: Mapping[str, Json]) -> EmailMessage:
        """The e-mail; one that is sent twice has the same Message-ID."""
        made = EmailMessage()
        made["From"], made["To"] = self.sender, ", ".join(self.to)
        made["Subject"] = f"[casemirror] {body['text']}"[:200].replace("\n", " ").replace("\r", " ")
        made["Date"] = format_datetime(datetime.fromisoformat(str(body["since"])))
        made["Message-ID"] = f"<{body['id']}@casemirror>"
        lines = (f"{name}: {value}" for name, value in body.items() if name not in ("text", "id"))
        made.set_content("\n".join([str(body["text"]), "", *lines, ""]))
        return made


def _mail_trouble(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "refused the log-in (notify.email.user, notify.email.password)"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refused all recipients: {', '.join(sorted(error.recipients))}"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"answered {error.smtp_code} {said}"[:300]
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "offers no STARTTLS, or no log-in (notify.email.starttls, notify.email.user)"
    if isinstance(error, ssl.SSLError):
        return "has a certificate that is not trusted here (notify.email.starttls)"
    return f"cannot be reached ({error.strerror})" if isinstance(error, OSError) and error.strerror else "broke off"


def targets(tx: Connection) -> tuple[list[Target], list[str]]:
    """Where notices go; and what is wrong with the settings, each as a sentence."""
    found: list[Target] = []
    wrong: list[str] = []
    for part in (_webhooks, _mail):
        try:
            found += part(tx)
        except Invalid as error:
            wrong.append(error.message)
    return found, wrong


def _webhooks(tx: Connection) -> list[Webhook]:
    urls = parse(KEYS["notify.webhook"], stored_settings.secret(tx, "notify.webhook"))
    return [Webhook(str(url)) for url in dict.fromkeys(urls)] if isinstance(urls, list) else []


def _mail(tx: Connection) -> list[Mail]:
    """The one mail target, if people are to get e-mails. Raises Invalid."""
    settings, _ = Settings.from_stored(stored_settings.get_all(tx))
    if not settings.words("notify.email.to"):
        return []
    missing = [name for name in ("notify.email.from", "notify.email.server") if not settings.text(name)]
    if missing:
        raise Invalid(f"notify.email.to is set, and {' and '.join(missing)} is not: no notice can be sent by e-mail")
    people = (*settings.words("notify.email.to"), settings.text("notify.email.from"))
    strange = [text for text in people if "@" not in parseaddr(text)[1]]
    if strange:
        raise Invalid(f"{strange[0]!r} in notify.email.to or notify.email.from is no e-mail address")
    host, port = address(settings.text("notify.email.server"), "notify.email.server")
    mail = Mail(
        to=settings.words("notify.email.to"),
        sender=settings.text("notify.email.from"),
        host=host,
        port=port,
        starttls=settings.flag("notify.email.starttls"),
        user=settings.text("notify.email.user"),
        password=stored_settings.secret(tx, "notify.email.password"),
    )
    return [mail]


def body_of(instance: str, former: str, health: Health) -> dict[str, Json]:
    """What a notice tells; `id` is the same whenever it is sent again, `text` is for people (and for chat systems)."""
    why = f": {health.reason}" if health.reason else ""
    was = f" (was {former})" if former else ""
    since = time_text(health.since)
    mark = hashlib.sha256(f"{instance}\n{health.state}\n{since}".encode()).hexdigest()[:20]
    return {
        "id": mark,
        "instance": instance,
        "state": health.state.value,
        "former": former,
        "reason": health.reason,
        "since": since,
        "version": casemirror.__version__,
        "text": f"{instance} is {health.state}{was}{why}",
    }


def announce(tx: Connection, settings: Settings, instance: str, former: str, health: Health) -> None:
    """Have a change told to all targets, in the transaction that notes it, if people want to hear of such states."""
    told = settings.words("notify.states")
    if health.state.value not in told and former not in told:
        return
    found, wrong = targets(tx)
    for reason in wrong:
        log.error("notice.cannot_be_sent", instance=instance, reason=reason)
    store.add(tx, [target.id for target in found], body_of(instance, former, health), health.since)


def deliver(app: App) -> None:
    """Send what is due. After a failure the same target is left alone for the rest of this round."""
    with app.store.read() as tx:
        due = store.due(tx, app.clock.now())
        known = {target.id: target for target in targets(tx)[0]} if due else {}
    troubled: set[str] = set()
    for notice in due:
        if notice.target not in troubled and not app.stopping.is_set() and not _deliver(app, known, notice):
            troubled.add(notice.target)


def _deliver(app: App, known: Mapping[str, Target], notice: Notice) -> bool:
    """Send one notice, unless another process does; False when it did not arrive."""
    with app.store.write() as tx:
        if not store.take(tx, notice, app.clock.now() + TAKEN):
            return True
    target = known.get(notice.target)
    if target is None:
        with app.store.write() as tx:
            store.failed(tx, notice, "its target is not configured any more", None, app.clock.now())
        return True
    try:
        target.send(notice.body)
    except NoticeFailed as error:
        _failed(app, notice, error)
        return False
    with app.store.write() as tx:
        store.arrived(tx, notice, app.clock.now())
    log.info("notice.sent", target=target.shown, instance=notice.body.get("instance"), tries=notice.attempts + 1)
    return True


def _failed(app: App, notice: Notice, error: NoticeFailed) -> None:
    now = app.clock.now()
    wait_s = min(FIRST_RETRY_S * 2.0 ** min(notice.attempts, 20), LONGEST_RETRY_S)
    again_at = now + timedelta(seconds=wait_s) if now - notice.created_at < GIVE_UP else None
    with app.store.write() as tx:
        store.failed(tx, notice, error.message, again_at, now)
    verb = "notice.failed" if again_at else "notice.given_up"
    where = {"instance": notice.body.get("instance"), "tries": notice.attempts + 1}
    log.warning(verb, reason=error.message, wait_s=wait_s if again_at else None, **where)
