"""One index that finds the dossiers to which something happens from an instant on, in the place of one for each kind.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_LAST_EDGE: Final = "coalesce(upper({0}), upper('{{(,)}}'::tstzmultirange - {0}))"
_LAST_FACT: Final = ", ".join(
    (
        *("received_at", "counted_at", "submitted_at", "least(intake_answered_at, intake_deadline)"),
        *(
            "electronic_result_at",
            "apology_at",
            "online_payments[cardinality(online_payments)]",
            "paid_online_at",
        ),
        *(_LAST_EDGE.format(waits) for waits in ("supplement_waits", "fee_waits")),
    )
)


def upgrade() -> None:
    op.execute(sa.text(f"CREATE INDEX ix_dossier_last_fact ON dossier (greatest({_LAST_FACT}))"))
    op.create_index(
        "ix_dossier_unit_fell_due",
        "dossier",
        ["unit", "overdue_from"],
        postgresql_where=sa.text("NOT voided AND (counted_at IS NULL OR counted_at > overdue_from)"),
    )
    for kind in ("supplement", "fee"):
        op.drop_index(f"ix_dossier_{kind}_last", table_name="dossier")


def downgrade() -> None:
    for kind in ("supplement", "fee"):
        waits = f"{kind}_waits"
        op.execute(
            sa.text(
                f"CREATE INDEX ix_dossier_{kind}_last ON dossier (({_LAST_EDGE.format(waits)})) WHERE {waits} <> '{{}}'"
            )
        )
    op.drop_index("ix_dossier_unit_fell_due", table_name="dossier")
    op.drop_index("ix_dossier_last_fact", table_name="dossier")
