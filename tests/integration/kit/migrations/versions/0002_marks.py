"""Count how often this revision ran, which has to be once."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("INSERT INTO notes (id, body) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM notes), 'migrated')")


def downgrade() -> None:
    op.execute("DELETE FROM notes")
