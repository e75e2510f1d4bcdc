"""First schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from casemirror.store import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "audit",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("verb", sa.Text(), server_default="", nullable=False),
        sa.Column("object", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", _JSON, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_at"), ["at"], unique=False)

    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("created_at", schema.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("executor", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "incident",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("fields", _JSON, server_default="{}", nullable=False),
        sa.Column("labels", _JSON, server_default="[]", nullable=False),
        sa.Column("raw_json", sa.Text(), server_default="", nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", schema.UtcTime(), nullable=False),
        sa.Column("modified_at", schema.UtcTime(), nullable=False),
        sa.Column("occurred_at", schema.UtcTime(), nullable=False),
        sa.Column("closed_at", schema.UtcTime(), nullable=True),
        sa.Column("activated_at", schema.UtcTime(), nullable=True),
        sa.Column("last_open_at", schema.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("guid", name=op.f("uq_incident_guid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_status"), ["status"], unique=False)

    op.create_table(
        "instance",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), server_default="", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("params", _JSON, server_default="{}", nullable=False),
        sa.Column("classifier", sa.Text(), server_default="", nullable=False),
        sa.Column("mapper_in", sa.Text(), server_default="", nullable=False),
        sa.Column("mapper_out", sa.Text(), server_default="", nullable=False),
        sa.Column("last_run", _JSON, server_default="{}", nullable=False),
        sa.Column("last_mirror_run", _JSON, server_default="{}", nullable=False),
        sa.Column("context", _JSON, server_default="{}", nullable=False),
        sa.Column("context_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("health", sa.Text(), server_default="", nullable=False),
        sa.Column("schema_cache", _JSON, server_default="{}", nullable=False),
        sa.Column("created_at", schema.UtcTime(), nullable=False),
        sa.Column("modified_at", schema.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        sa.UniqueConstraint("name", name=op.f("uq_instance_name")),
    )
    op.create_table(
        "pack",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("meta", _JSON, server_default="{}", nullable=False),
        sa.Column("installed_at", schema.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "user_account",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("full_name", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_user_account")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_account_email"), ["email"], unique=False)

    op.create_table(
        "content_item",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pack_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body", _JSON, server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_content_item_pack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "id", "pack_id", name=op.f("pk_content_item")),
    )
    op.create_table(
        "lane",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", schema.UtcTime(), nullable=True),
        sa.Column("not_before", schema.UtcTime(), nullable=True),
        sa.Column("not_before_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("held_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("cursor_at", schema.UtcTime(), nullable=True),
        sa.Column("cap_modified", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("cap_modified_until", schema.UtcTime(), nullable=True),
        sa.Column("cap_remote", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("cap_remote_until", schema.UtcTime(), nullable=True),
        sa.Column("next_poll_at", schema.UtcTime(), nullable=True),
        sa.Column("next_fetch_at", schema.UtcTime(), nullable=True),
        sa.Column("poll_asked_at", schema.UtcTime(), nullable=True),
        sa.Column("last_poll_at", schema.UtcTime(), nullable=True),
        sa.Column("last_poll_s", sa.Float(), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("skipped_cycles", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rate_limit_hits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_in", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pulls_this_cycle", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_this_cycle", sa.Integer(), server_default="0", nullable=False),
        sa.Column("brake_off_until", schema.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_lane_instance_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane")),
    )
    with op.batch_alter_table("lane", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lane_instance_id"), ["instance_id"], unique=False)

    op.create_table(
        "link",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("incident_id", _BIG, nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("instance_name", sa.Text(), server_default="", nullable=False),
        sa.Column("remote_id", sa.Text(), server_default="", nullable=False),
        sa.Column("direction", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", _JSON, server_default="[]", nullable=False),
        sa.Column("primary", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("held_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("wanted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("named", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pulled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", schema.UtcTime(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("base", _JSON, server_default="{}", nullable=False),
        sa.Column("assumed", _JSON, server_default="{}", nullable=False),
        sa.Column("pushed", _JSON, server_default="{}", nullable=False),
        sa.Column("doubted", _JSON, server_default="[]", nullable=False),
        sa.Column("sticky", _JSON, server_default="[]", nullable=False),
        sa.Column("since_at", schema.UtcTime(), nullable=False),
        sa.Column("linked_later", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("last_sync_at", schema.UtcTime(), nullable=True),
        sa.Column("last_push_at", schema.UtcTime(), nullable=True),
        sa.Column("out_status", sa.Integer(), nullable=True),
        sa.Column("remote_closed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reopened_here", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries_in", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_in", sa.Text(), server_default="", nullable=False),
        sa.Column("error_out", sa.Text(), server_default="", nullable=False),
        sa.Column("rate_limited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("create_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("creating_at", schema.UtcTime(), nullable=True),
        sa.Column("last_remote", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_link_incident_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_link_instance_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        for name, columns in (("ix_link_due", ["due_at"]), ("ix_link_next", ["priority", "due_at", "id"])):
            work = sa.text("wanted > done")
            batch_op.create_index(
                name, ["instance_id", "state", *columns], unique=False, sqlite_where=work, postgresql_where=work
            )
        batch_op.create_index(batch_op.f("ix_link_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index("ix_link_remote", ["instance_id", "remote_id"], unique=False)
        batch_op.create_index("ix_link_sync", ["instance_id", "last_sync_at"], unique=False)
        batch_op.create_index("ix_link_since", ["instance_id", "since_at"], unique=False)
        batch_op.create_index("ix_link_name", ["instance_name", "incident_id"], unique=False)

    op.create_table(
        "poll_ledger",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("seen_at", schema.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_poll_ledger_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", "remote_id", "version", name=op.f("pk_poll_ledger")),
    )
    with op.batch_alter_table("poll_ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_poll_ledger_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "secret",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("param", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), server_default="", nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_secret_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", "param", name=op.f("pk_secret")),
    )
    op.create_table(
        "unmatched",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("seen_at", schema.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_unmatched_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", "remote_id", name=op.f("pk_unmatched")),
    )
    with op.batch_alter_table("unmatched", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unmatched_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "entry",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("incident_id", _BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", schema.UtcTime(), nullable=False),
        sa.Column("modified_at", schema.UtcTime(), nullable=False),
        sa.Column("contents", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("format", sa.Text(), server_default="text", nullable=False),
        sa.Column("user", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", _JSON, server_default="[]", nullable=False),
        sa.Column("tagged_at", schema.UtcTime(), nullable=True),
        sa.Column("note", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), server_default="", nullable=False),
        sa.Column("file_type", sa.Text(), server_default="", nullable=False),
        sa.Column("context", _JSON, nullable=True),
        sa.Column("brand", sa.Text(), server_default="", nullable=False),
        sa.Column("instance", sa.Text(), server_default="", nullable=False),
        sa.Column("link_id", _BIG, nullable=True),
        sa.Column("came_in", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_until", schema.UtcTime(), nullable=True),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_entry_file_id")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_entry_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_entry_link_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_entry_incident_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_file_id"), ["file_id"], unique=False)
        batch_op.create_index("ix_entry_link_fingerprint", ["link_id", "fingerprint"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("received_at", schema.UtcTime(), nullable=False),
        sa.Column("body", _JSON, server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_inbox_link_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_link_id"), ["link_id"], unique=False)

    op.create_table(
        "payload",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("sha", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_payload_link_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payload")),
    )
    with op.batch_alter_table("payload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payload_at"), ["at"], unique=False)
        batch_op.create_index("ix_payload_link", ["link_id", "id"], unique=False)

    op.create_table(
        "decision",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("incident_id", _BIG, nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("base", _JSON, nullable=True),
        sa.Column("local", _JSON, nullable=True),
        sa.Column("remote", _JSON, nullable=True),
        sa.Column("payload_id", _BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_decision_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_decision_link_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["payload_id"], ["payload.id"], name=op.f("fk_decision_payload_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_incident", ["incident_id", "id"], unique=False)
        batch_op.create_index("ix_decision_link_field", ["link_id", "field", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_decision_payload_id"), ["payload_id"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("entry_id", _BIG, nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("intended_at", schema.UtcTime(), nullable=True),
        sa.Column("sent_at", schema.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_delivery_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_delivery_link_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "entry_id", name=op.f("pk_delivery")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_entry_id"), ["entry_id"], unique=False)
