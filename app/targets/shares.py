"""Shares and points as JSON numbers on the wire, and exact decimals everywhere else.

It knows how a number was written; what it measures it refuses to know.
"""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

_PLACES: Final = -6


def exact(value: float) -> Decimal:
    """The decimal that was written: 0.95 and not the float next to it."""
    return Decimal(repr(value))


def _six_decimals(value: float) -> float:
    exponent = exact(value).as_tuple().exponent
    if isinstance(exponent, int) and exponent < _PLACES:
        raise PydanticCustomError("share", "A number here has at most six decimals.")
    return value


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), AfterValidator(_six_decimals)]
"""From 0 to 1."""

Points = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), AfterValidator(_six_decimals)]
