"""Policies, owners, conflicts, budgets, health, notices, doubts; lateness and absence of remote objects."""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from casemirror.store import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Bring the schema forward: only what is new, no row is touched."""
    _new_tables()
    _new_columns()


def _new_tables() -> None:
    op.create_table(
        "budget_use",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("commands", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("credential", "at", name=op.f("pk_budget_use")),
    )
    op.create_table(
        "notice",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("created_at", schema.UtcTime(), nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("body", _JSON, server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", schema.UtcTime(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_due", ["state", "due_at"], unique=False)

    server = op.create_table(
        "server", sa.Column("id", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_server"))
    )
    op.bulk_insert(server, [{"id": uuid.uuid4().hex}])
    op.create_table(
        "setting_secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), server_default="", nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting_secret")),
    )
    op.create_table(
        "budget",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), server_default="", nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("window_s", sa.Integer(), server_default="60", nullable=False),
        sa.Column("learned", sa.Float(), nullable=True),
        sa.Column("learned_at", schema.UtcTime(), nullable=True),
        sa.Column("agreed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_budget_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_budget")),
    )
    with op.batch_alter_table("budget", schema=None) as batch_op:
        batch_op.create_index("ix_budget_credential", ["credential"], unique=False)

    op.create_table(
        "field_owner",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("incident_id", _BIG, nullable=True),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_field_owner_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_field_owner_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_owner")),
    )
    with op.batch_alter_table("field_owner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_field_owner_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_field_owner_instance_id"), ["instance_id"], unique=False)

    op.create_table(
        "health",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("since_at", schema.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_health_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_health")),
    )
    op.create_table(
        "health_change",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("former", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_health_change_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_change")),
    )
    with op.batch_alter_table("health_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_health_change_instance_id"), ["instance_id"], unique=False)

    op.create_table(
        "merge_policy",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("incident_id", _BIG, nullable=True),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("method", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_merge_policy_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_merge_policy_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_policy")),
    )
    with op.batch_alter_table("merge_policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_merge_policy_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_merge_policy_instance_id"), ["instance_id"], unique=False)

    op.create_table(
        "tally",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_tally_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", "name", name=op.f("pk_tally")),
    )
    op.create_table(
        "doubt",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("link_id", _BIG, nullable=False),
        sa.Column("entry_id", _BIG, nullable=True),
        sa.Column("at", schema.UtcTime(), nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_doubt_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_doubt_link_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubt")),
    )
    with op.batch_alter_table("doubt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_doubt_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_doubt_link_id"), ["link_id"], unique=False)

    op.create_table(
        "context",
        sa.Column("incident_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("data", _JSON, server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_context_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_context")),
    )
    op.create_table(
        "later",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("incident_id", _BIG, nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), server_default="", nullable=False),
        sa.Column("args", _JSON, server_default="{}", nullable=False),
        sa.Column("user", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", schema.UtcTime(), nullable=False),
        sa.Column("ends_at", schema.UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_later_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_later_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_later")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("later", schema=None) as batch_op:
        batch_op.create_index("ix_later_due", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_later_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_later_instance_id"), ["instance_id"], unique=False)


def _new_columns() -> None:
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ends_by", schema.UtcTime(), nullable=True))

    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("given", _JSON, server_default="[]", nullable=False))

    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changed", _JSON, server_default="{}", nullable=False))

    with op.batch_alter_table("lane", schema=None) as batch_op:
        batch_op.add_column(sa.Column("in_not_before", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("in_not_before_reason", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("poll_error", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("fetch_error", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("good_poll_at", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("late_s", sa.Float(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("late_at", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("late_count", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("ids_lately", sa.Float(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("silences", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("page_at", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("sweep_before", schema.UtcTime(), nullable=True))

    op.execute("ALTER TABLE link DROP COLUMN last_remote")  # never used
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("named_at", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("conflicts", _JSON, server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("open_conflicts", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("creating_ends_by", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("remote_state", sa.Text(), server_default="present", nullable=False))
        batch_op.add_column(sa.Column("remote_since", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("remote_words", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("remote_new_id", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("trail", _JSON, server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("told_by", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("remote_changed_at", schema.UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("quiet_pulls", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index(
            "ix_link_conflict",
            ["instance_id"],
            unique=False,
            sqlite_where=sa.text("open_conflicts > 0"),
            postgresql_where=sa.text("open_conflicts > 0"),
        )
