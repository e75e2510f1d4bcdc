"""Hosts that an instance may reach."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Bring the schema forward: one column, empty for every instance: all hosts."""
    with op.batch_alter_table("instance", schema=None) as batch_op:
        batch_op.add_column(sa.Column("egress", _JSON, server_default="[]", nullable=False))
