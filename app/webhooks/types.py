"""The types of message that a webhook can carry, by the names of the contract, and the states of a delivery.

It knows no payload: whoever puts a message owns its `data`.
"""

from typing import Final, Literal, get_args

MessageType = Literal[
    "unit.lagging",
    "unit.at_risk",
    "unit.recovered",
    "unit.escalated",
    "dossier.due_soon",
    "dossier.overdue",
    "dossier.apology_due",
    "source.silent",
    "closing.created",
    "closing.restated",
    "webhook.test",
]

TYPES: Final[frozenset[str]] = frozenset(get_args(MessageType))

TEST: Final = "webhook.test"
"""Put for one endpoint by its `/test` route alone; an endpoint's `types` and a replay pass it by."""

State = Literal["pending", "delivered", "failed", "cancelled"]
"""Of a delivery: waiting or under way; taken with 2xx; the schedule used up; its endpoint disabled."""
