"""Readings that say "review now": the code of the alarm, on the report and on its line of the worklist."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was read before raised no alarm."""
    for table in ("studies", "reports"):
        op.add_column(table, sa.Column("alarm", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget which readings raised one."""
    for table in ("studies", "reports"):
        op.drop_column(table, "alarm")
