"""The dossier as the figures need it: one row per dossier code, always equal to the fold of its events.

Everything here is derived and can be thrown away; what only one dossier's page needs is folded anew when asked for.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSTZMULTIRANGE

from app.kit.db import metadata


def _instant(name: str, comment: str | None = None) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment)


def _last_edge(waits: str) -> str:
    """The SQL of the last instant at which one of some waits began or ended: also of those that last."""
    return f"coalesce(upper({waits}), upper('{{(,)}}'::tstzmultirange - {waits}))"


LAST_PAYMENT: Final = "online_payments[cardinality(online_payments)]"
"""The SQL of the last online payment of a dossier that has any."""

LAST_FACT: Final = "greatest({})".format(
    ", ".join(
        (
            *("received_at", "counted_at", "submitted_at", "least(intake_answered_at, intake_deadline)"),
            *("electronic_result_at", "apology_at", LAST_PAYMENT, "paid_online_at"),
            *(_last_edge(waits) for waits in ("supplement_waits", "repeat_waits", "fee_waits")),
        )
    )
)
"""The SQL of the last instant at which a figure of a dossier changes by a fact; deadlines, which pass by themselves,
are none, but for the end of the time in which a submission is answered. The index that finds the few dossiers with
facts at or after now."""


dossier = sa.Table(
    "dossier",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("voided", sa.Boolean, nullable=False, comment="entered by mistake: in no figure"),
    sa.Column("state", sa.Text, nullable=False, comment="where it stands in its life"),
    sa.Column("unit", sa.Text, comment="accountable at the end of work or, while open, at present"),
    sa.Column("procedure", sa.Text, comment="canonical code"),
    sa.Column("channel", sa.Text, comment="online, counter or post"),
    sa.Column("sector", sa.Text, comment="the procedure's on the day of reception"),
    sa.Column("service_level", sa.Text, comment="full, partial or none; the event's, else the procedure's"),
    sa.Column(
        "full_eligible", sa.Boolean, nullable=False, comment="the procedure is eligible for full service"
    ),
    sa.Column("document_result", sa.Boolean, nullable=False, comment="the procedure yields a document"),
    _instant("submitted_at"),
    sa.Column("submitted_unit", sa.Text),
    _instant("received_at", "the reception; without it the dossier stands in intake figures only"),
    _instant("ended_at", "end of work as it happened"),
    sa.Column("end_kind", sa.Text, comment="processed, returned, stopped, withdrawn or intake_refused"),
    _instant("counted_at", "when the end counts in periods: never before the reception"),
    sa.Column("outcome", sa.Text, comment="early, on_time, late or undated; null while open"),
    _instant("due_original", "judges; moved by pauses only; a bare date is its last microsecond"),
    sa.Column("due_original_is_date", sa.Boolean, nullable=False),
    _instant("due_current", "what the citizen was last told"),
    sa.Column("due_current_is_date", sa.Boolean, nullable=False),
    _instant(
        "overdue_from", "overdue at an instant after this while open; null: undated or the clock stands still"
    ),
    _instant("portal_due", "as due_original, but moved by supplement pauses only (Decision 766)"),
    _instant("portal_overdue_from", "as overdue_from, by portal_due"),
    sa.Column(
        "repeat_waits", TSTZMULTIRANGE, nullable=False, comment="supplement waits since the second request"
    ),
    sa.Column("supplement_waits", TSTZMULTIRANGE, nullable=False, comment="(requested, supplemented]"),
    sa.Column("fee_waits", TSTZMULTIRANGE, nullable=False, comment="(requested, paid]"),
    _instant("intake_answered_at"),
    _instant("intake_deadline", "null: not filed online, or withdrawn in time before any answer"),
    sa.Column(
        "processing",
        sa.BigInteger,
        comment="working microseconds from reception to end, net of pauses; null unless processed or returned",
    ),
    sa.Column("fee_bearing", sa.Boolean, comment="as its events say, else as its procedure; null: unknown"),
    _instant("paid_online_at", "first online payment"),
    sa.Column("online_payments", ARRAY(sa.DateTime(timezone=True)), nullable=False),
    _instant("electronic_result_at"),
    _instant("apology_at", "first apology"),
    _instant("apology_deadline"),
    sa.Column("reappointments", sa.SmallInteger, nullable=False),
    sa.Column("findings", ARRAY(sa.Text), nullable=False, comment="kinds, sorted, each once"),
    sa.Column("late_in_data_only", sa.Boolean, nullable=False, comment="depends on the time of recording"),
    sa.Index(
        "ix_dossier_unit_received_at", "unit", "received_at", postgresql_include=["procedure", "voided"]
    ),
    sa.Index(
        "ix_dossier_unit_paid_online",
        "unit",
        "procedure",
        "paid_online_at",
        postgresql_include=["received_at"],
        postgresql_where=sa.text("NOT voided AND paid_online_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_dossier_unit_paid_again",
        "unit",
        "procedure",
        sa.text(LAST_PAYMENT),
        postgresql_where=sa.text("NOT voided AND cardinality(online_payments) > 1"),
    ),
    sa.Index("ix_dossier_received_at", "received_at"),
    sa.Index("ix_dossier_submitted_unit", "submitted_unit"),
    sa.Index("ix_dossier_procedure", "procedure", "unit", "counted_at"),
    sa.Index(
        "ix_dossier_fee_bearing",
        "procedure",
        "received_at",
        postgresql_where=sa.text("fee_bearing AND NOT voided"),
    ),
    sa.Index("ix_dossier_counted_at", "counted_at"),
    sa.Index(
        "ix_dossier_overdue_from_open",
        "overdue_from",
        postgresql_include=["unit", "submitted_unit", "received_at", "apology_at"],
        postgresql_where=sa.text("ended_at IS NULL AND NOT voided"),
    ),
    sa.Index(
        "ix_dossier_apology_deadline_open",
        "apology_deadline",
        postgresql_include=["unit", "submitted_unit", "received_at"],
        postgresql_where=sa.text("ended_at IS NULL AND NOT voided AND apology_at IS NULL"),
    ),
    *(
        sa.Index(
            name,
            *columns,
            postgresql_where=sa.text("NOT voided AND (counted_at IS NULL OR counted_at > overdue_from)"),
        )
        for name, columns in (
            ("ix_dossier_fell_due", ("overdue_from",)),
            ("ix_dossier_unit_fell_due", ("unit", "overdue_from")),
        )
    ),
    sa.Index("ix_dossier_overdue_from", "overdue_from", postgresql_where=sa.text("NOT voided")),
    sa.Index(
        "ix_dossier_portal_overdue_from",
        "portal_overdue_from",
        postgresql_where=sa.text("NOT voided AND portal_overdue_from IS DISTINCT FROM overdue_from"),
    ),
    sa.Index("ix_dossier_last_fact", sa.text(LAST_FACT)),
    sa.Index("ix_dossier_findings", "findings", postgresql_using="gin"),
)

derivation = sa.Table(
    "derivation",
    metadata,
    sa.Column("single", sa.Boolean, primary_key=True),
    sa.Column(
        "rules", sa.Text, nullable=False, comment="fold version and the settings that the fold depends on"
    ),
)
