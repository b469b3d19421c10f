"""Imports every feature's tables, so that Alembic sees one schema; it holds nothing else."""

from app.calendars import tables as calendars
from app.directory import tables as directory
from app.dossiers import tables as dossiers
from app.events import tables as events
from app.importing import tables as importing
from app.keys import tables as keys
from app.kit.db import metadata
from app.lagging import tables as lagging
from app.metrics import tables as metrics
from app.ops import tables as ops
from app.targets import tables as targets
from app.webhooks import tables as webhooks

__all__ = [
    "calendars",
    "directory",
    "dossiers",
    "events",
    "importing",
    "keys",
    "lagging",
    "metadata",
    "metrics",
    "ops",
    "targets",
    "webhooks",
]
