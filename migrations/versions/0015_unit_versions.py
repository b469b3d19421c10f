"""Whoever writes a unit gives the directory another version, so that no reader trusts what it remembers.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        sa.text("""
CREATE FUNCTION units_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_version (single, units) VALUES (true, gen_random_uuid())
    ON CONFLICT (single) DO UPDATE SET units = excluded.units;
    RETURN NULL;
END $$
""")
    )
    # Not on TRUNCATE: a restored backup brings the version of its units along.
    op.execute(
        sa.text("""
CREATE TRIGGER units_changed AFTER INSERT OR UPDATE OR DELETE ON unit
FOR EACH STATEMENT EXECUTE FUNCTION units_changed()
""")
    )


def downgrade() -> None:
    op.execute(sa.text("DROP TRIGGER units_changed ON unit"))
    op.execute(sa.text("DROP FUNCTION units_changed()"))
