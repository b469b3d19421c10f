"""Who hears of what: types, units as they stood then, and limits of the key that registered."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.webhooks import outbox, queries
from app.webhooks.tables import delivery, endpoint
from tests.webhooks.makers import put

ENDPOINTS: dict[str, dict[str, Any]] = {
    "everything": {},
    "one type": {"types": ["unit.lagging"]},
    "other types": {"types": ["unit.recovered", "source.silent"]},
    "the unit": {"unit": "H10.1"},
    "the province": {"unit": "H10"},
    "another unit": {"unit": "H10.2"},
    "a unit below": {"unit": "H10.1.1"},
    "disabled": {"disabled_at": datetime(2026, 1, 1, tzinfo=UTC)},
    "limited to the province": {"unit": "H10.1", "unit_limit": "H10"},
    "limited to where the unit no longer is": {"unit": "H10.1", "unit_limit": "H20"},
    "type and unit": {"unit": "H10", "types": ["unit.lagging"]},
    "type and another unit": {"unit": "H10.2", "types": ["unit.lagging"]},
}


async def _heard(here: Deployment) -> set[str]:
    async with here.database.snapshot() as connection:
        chosen = sa.select(endpoint.c.description).join_from(delivery, endpoint)
        return set(await connection.scalars(chosen))


async def _made(here: Deployment) -> None:
    async with here.database.transaction() as connection:
        for description, fields in ENDPOINTS.items():
            await queries.add(
                connection,
                {
                    "id": uuid4(),
                    "url": "https://example.vn/",
                    "description": description,
                    "ordered": False,
                    "secret": b"sealed",
                    "created_at": here.clock(),
                    "created_by": "k",
                    **fields,
                },
            )


async def test_a_message_goes_to_those_whose_types_unit_and_limit_match(deployment: Deployment) -> None:
    await _made(deployment)
    await put(deployment, "H10.1", type="unit.lagging")
    assert await _heard(deployment) == {
        "everything",
        "one type",
        "the unit",
        "the province",
        "limited to the province",
        "type and unit",
    }


async def test_a_message_about_no_unit_is_heard_only_by_those_who_hear_everything(
    deployment: Deployment,
) -> None:
    await _made(deployment)
    await put(deployment, None, type="source.silent")
    assert await _heard(deployment) == {"everything", "other types"}


async def test_a_type_that_the_contract_does_not_name_is_refused(deployment: Deployment) -> None:
    async with deployment.database.transaction() as connection:
        for type_ in ("unit.laging", "webhook.test", "", "dossier.received"):
            with pytest.raises(ValueError, match="is no type of message"):
                await outbox.put(
                    connection, type=type_, unit=None, lineage=[], data={}, now=deployment.clock()
                )
