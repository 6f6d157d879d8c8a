"""The first schema."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables, by the frozen statements of the dialect."""
    bind = op.get_bind()
    for statement in Path(__file__).with_suffix(f".{bind.dialect.name}.sql").read_text().split(";\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    numbers = ", ".join(f"({number})" for number in range(64))
    bind.exec_driver_sql(f"INSERT INTO partitions (id) VALUES {numbers}")


def downgrade() -> None:
    """There is nothing before it."""
    raise NotImplementedError("the first schema has no predecessor")
