"""All tables, for SQLite and PostgreSQL alike. Changing one takes a migration (`store/migrations`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect

from casemirror.store import clean


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time: TIMESTAMPTZ on PostgreSQL, sortable text with six fraction digits on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """The column type of the database."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """An aware time → what is stored. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        at = value.astimezone(UTC)
        return at if dialect.name == "postgresql" else at.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """What is stored → an aware time."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        at: datetime = value
        return at.astimezone(UTC)


class Text(sa.types.TypeDecorator[str]):
    """Text without the characters that no database can keep (`store.clean`)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is stored for a text."""
        return None if value is None else clean.text(value)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _id() -> sa.Column[int]:
    return sa.Column("id", _BIG, primary_key=True, autoincrement=True)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False, server_default=default)


def _count(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=str(default))


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _time(name: str, *, needed: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcTime, nullable=not needed)


def _json(name: str, default: str = "{}") -> sa.Column[Any]:
    return sa.Column(name, _JSON, nullable=False, server_default=default)


def _ref(
    name: str,
    target: str,
    *,
    kind: Any = _BIG,
    on_delete: str = "CASCADE",
    needed: bool = True,
    index: bool = True,
) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.ForeignKey(target, ondelete=on_delete), nullable=not needed, index=index)


instance = sa.Table(
    "instance",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("name", Text, nullable=False, unique=True),
    _text("brand"),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    _json("params"),
    _text("classifier"),
    _text("mapper_in"),
    _text("mapper_out"),
    _json("last_run"),
    _json("last_mirror_run"),
    _json("context"),
    _count("context_version"),
    _text("health"),
    _json("schema_cache"),
    _json("egress", "[]"),
    _time("created_at", needed=True),
    _time("modified_at", needed=True),
)

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("param", Text, primary_key=True),
    _text("key_id"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

incident = sa.Table(
    "incident",
    metadata,
    _id(),
    sa.Column("guid", Text, nullable=False, unique=True),
    _count("version", 1),
    _text("type"),
    sa.Column("status", sa.Integer, nullable=False, index=True),
    _json("fields"),
    _json("changed"),
    _json("labels", "[]"),
    _text("raw_json"),
    _count("entries"),
    _time("created_at", needed=True),
    _time("modified_at", needed=True),
    _time("occurred_at", needed=True),
    _time("closed_at"),
    _time("activated_at"),
    _time("last_open_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

context = sa.Table(
    "context",
    metadata,
    sa.Column(
        "incident_id", _BIG, sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    _json("data"),
)

later = sa.Table(
    "later",
    metadata,
    _id(),
    _ref("incident_id", "incident.id"),
    _ref("instance_id", "instance.id", kind=Text),
    _text("command"),
    _json("args"),
    _text("user"),
    _time("due_at", needed=True),
    _time("ends_at", needed=True),
    _count("attempts"),
    sa.Index("ix_later_due", "due_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

file = sa.Table(
    "file",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("size", _BIG, nullable=False),
    _time("created_at", needed=True),
)

entry = sa.Table(
    "entry",
    metadata,
    _id(),
    _ref("incident_id", "incident.id", index=False),
    sa.Column("number", sa.Integer, nullable=False),
    _time("created_at", needed=True),
    _time("modified_at", needed=True),
    _text("contents"),
    sa.Column("kind", sa.Integer, nullable=False),
    _text("format", "text"),
    _text("user"),
    _text("category"),
    _json("tags", "[]"),
    _json("given", "[]"),
    _time("tagged_at"),
    _flag("note"),
    sa.Column("file_id", Text, sa.ForeignKey("file.id"), index=True),
    _text("file_name"),
    _text("file_type"),
    sa.Column("context", _JSON),
    _text("brand"),
    _text("instance"),
    _ref("link_id", "link.id", on_delete="SET NULL", needed=False, index=False),
    _flag("came_in"),
    _text("fingerprint"),
    _time("seen_until"),
    _flag("held"),
    sa.UniqueConstraint("incident_id", "number"),
    sa.Index("ix_entry_link_fingerprint", "link_id", "fingerprint"),
    sqlite_autoincrement=True,  # an id is never given twice
)

link = sa.Table(
    "link",
    metadata,
    _id(),
    _ref("incident_id", "incident.id"),
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="SET NULL")),
    _text("instance_name"),
    _text("remote_id"),
    _text("direction"),
    _json("tags", "[]"),
    sa.Column("primary", sa.Boolean, nullable=False, server_default=sa.true()),
    _text("state", "active"),
    _text("held_reason"),
    _count("wanted"),
    _count("done"),
    _count("named"),
    _time("named_at"),
    _count("pulled"),
    _count("quiet_pulls"),
    _time("due_at"),
    _count("priority", 5),
    _json("base"),
    _json("assumed"),
    _json("pushed"),
    _json("doubted", "[]"),
    _json("sticky", "[]"),
    _json("conflicts"),
    _count("open_conflicts"),
    _time("since_at", needed=True),
    _flag("linked_later"),
    _time("last_sync_at"),
    _time("last_push_at"),
    sa.Column("out_status", sa.Integer),
    _flag("remote_closed"),
    _flag("reopened_here"),
    _count("tries"),
    _count("tries_in"),
    _count("tries_out"),
    _text("error_in"),
    _text("error_out"),
    _flag("rate_limited"),
    _count("create_attempts"),
    _time("creating_at"),
    _time("creating_ends_by"),
    _text("remote_state", "present"),
    _time("remote_since"),
    _text("remote_words"),
    _text("remote_new_id"),
    _json("trail", "[]"),
    _time("told_by"),
    _time("remote_changed_at"),
    sa.Index("ix_link_remote", "instance_id", "remote_id"),
    sa.Index("ix_link_sync", "instance_id", "last_sync_at"),
    sa.Index("ix_link_since", "instance_id", "since_at"),
    sa.Index("ix_link_name", "instance_name", "incident_id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
for _name, _columns in {"ix_link_due": ("due_at",), "ix_link_next": ("priority", "due_at", "id")}.items():
    # only links with work stand in these two, however many there are: is there one, and which comes first
    _work = link.c.wanted > link.c.done
    sa.Index(
        _name, *(link.c[n] for n in ("instance_id", "state", *_columns)), sqlite_where=_work, postgresql_where=_work
    )

OPEN_CONFLICTS = link.c.open_conflicts > sa.literal_column("0")
"""Fields of the link wait for a person; with a literal, so that the index of just these links answers for it."""
sa.Index("ix_link_conflict", link.c.instance_id, sqlite_where=OPEN_CONFLICTS, postgresql_where=OPEN_CONFLICTS)

merge_policy = sa.Table(
    "merge_policy",
    metadata,
    _id(),
    _ref("incident_id", "incident.id", needed=False),
    _ref("instance_id", "instance.id", kind=Text, needed=False),
    _text("type"),
    _text("field"),
    _text("method"),
)

field_owner = sa.Table(
    "field_owner",
    metadata,
    _id(),
    _ref("incident_id", "incident.id", needed=False),
    _ref("instance_id", "instance.id", kind=Text),
    _text("type"),
    _text("field"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("link_id", _BIG, sa.ForeignKey("link.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("entry_id", _BIG, sa.ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True, index=True),
    _text("state"),
    _count("attempts"),
    _time("intended_at"),
    _time("ends_by"),
    _time("sent_at"),
)

doubt = sa.Table(
    "doubt",
    metadata,
    _id(),
    _ref("link_id", "link.id"),
    _ref("entry_id", "entry.id", needed=False),
    _time("at", needed=True),
    _count("times", 1),
    _text("reason"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _id(),
    _ref("link_id", "link.id"),
    _time("received_at", needed=True),
    _json("body"),
)

payload = sa.Table(
    "payload",
    metadata,
    _id(),
    _ref("link_id", "link.id", index=False),
    sa.Column("at", UtcTime, nullable=False, index=True),
    _text("kind"),
    _text("sha"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_payload_link", "link_id", "id"),
)

decision = sa.Table(
    "decision",
    metadata,
    _id(),
    _ref("link_id", "link.id", index=False),
    _ref("incident_id", "incident.id", index=False),
    _time("at", needed=True),
    _text("field"),
    _text("rule"),
    _text("note"),
    sa.Column("base", _JSON),
    sa.Column("local", _JSON),
    sa.Column("remote", _JSON),
    _ref("payload_id", "payload.id", on_delete="SET NULL", needed=False),
    sa.Index("ix_decision_link_field", "link_id", "field", "id"),
    sa.Index("ix_decision_incident", "incident_id", "id"),
)

lane = sa.Table(
    "lane",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _ref("instance_id", "instance.id", kind=Text),
    _count("number"),
    _text("owner"),
    _count("epoch"),
    _time("lease_until"),
    _time("not_before"),
    _text("not_before_reason"),
    _time("in_not_before"),
    _text("in_not_before_reason"),
    _text("held_reason"),
    _text("poll_error"),
    _text("fetch_error"),
    _time("good_poll_at"),
    _time("cursor_at"),
    _text("cap_modified", "unknown"),
    _time("cap_modified_until"),
    _text("cap_remote", "unknown"),
    _time("cap_remote_until"),
    _time("next_poll_at"),
    _time("next_fetch_at"),
    _time("poll_asked_at"),
    _time("last_poll_at"),
    sa.Column("last_poll_s", sa.Float),
    _text("last_error"),
    _count("skipped_cycles"),
    _count("rate_limit_hits"),
    _count("failed_in"),
    _count("failed_out"),
    _count("pulls_this_cycle"),
    _count("closed_this_cycle"),
    _time("brake_off_until"),
    sa.Column("late_s", sa.Float, nullable=False, server_default="0"),
    _time("late_at"),
    _count("late_count"),
    sa.Column("ids_lately", sa.Float, nullable=False, server_default="0"),
    _count("silences"),
    _time("page_at"),
    _time("sweep_before"),
)

budget = sa.Table(
    "budget",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    _text("credential"),
    _count("requests"),
    _count("window_s", 60),
    sa.Column("learned", sa.Float),
    _time("learned_at"),
    _count("agreed"),
    _count("hits"),
    sa.Index("ix_budget_credential", "credential"),
)

budget_use = sa.Table(
    "budget_use",
    metadata,
    sa.Column("credential", Text, primary_key=True),
    sa.Column("at", UtcTime, primary_key=True),
    _count("requests"),
    _count("commands"),
)

poll_ledger = sa.Table(
    "poll_ledger",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("remote_id", Text, primary_key=True),
    sa.Column("version", Text, primary_key=True),
    sa.Column("seen_at", UtcTime, nullable=False, index=True),
)

unmatched = sa.Table(
    "unmatched",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("remote_id", Text, primary_key=True),
    sa.Column("seen_at", UtcTime, nullable=False, index=True),
)

pack = sa.Table(
    "pack",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _text("name"),
    _text("version"),
    _json("meta"),
    _time("installed_at", needed=True),
)

content_item = sa.Table(
    "content_item",
    metadata,
    sa.Column("kind", Text, primary_key=True),
    sa.Column("id", Text, primary_key=True),
    sa.Column("pack_id", Text, sa.ForeignKey("pack.id", ondelete="CASCADE"), primary_key=True),
    _text("name"),
    _count("position"),
    _json("body"),
)

server = sa.Table("server", metadata, sa.Column("id", Text, primary_key=True))
"""One row: the id of this server."""

setting = sa.Table("setting", metadata, sa.Column("name", Text, primary_key=True), _text("value"))

setting_secret = sa.Table(
    "setting_secret",
    metadata,
    sa.Column("name", Text, primary_key=True),
    _text("key_id"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

tally = sa.Table(
    "tally",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)

health = sa.Table(
    "health",
    metadata,
    sa.Column("instance_id", Text, sa.ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True),
    _text("state"),
    _text("reason"),
    _time("since_at", needed=True),
)

health_change = sa.Table(
    "health_change",
    metadata,
    _id(),
    _ref("instance_id", "instance.id", kind=Text),
    _time("at", needed=True),
    _text("state"),
    _text("former"),
    _text("reason"),
)

notice = sa.Table(
    "notice",
    metadata,
    _id(),
    _time("created_at", needed=True),
    _text("target"),
    _json("body"),
    _text("state", "waiting"),
    _count("attempts"),
    _time("due_at", needed=True),
    _text("error"),
    sa.Index("ix_notice_due", "state", "due_at"),
)

counter = sa.Table("counter", metadata, sa.Column("name", Text, primary_key=True), _count("value"))

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    sa.Column("at", UtcTime, nullable=False, index=True),
    _text("actor"),
    _text("verb"),
    _text("object"),
    _json("detail"),
)

user_account = sa.Table(
    "user_account",
    metadata,
    sa.Column("username", Text, primary_key=True),
    sa.Column("email", Text, nullable=False, server_default="", index=True),
    _text("full_name"),
)

heartbeat = sa.Table("heartbeat", metadata, sa.Column("executor", Text, primary_key=True), _time("at", needed=True))
