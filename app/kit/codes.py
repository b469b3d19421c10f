"""Codes that people give things: opaque text, kept as it is.

It knows which characters no code may have, and no code's meaning.
"""

from typing import Annotated, Final

from pydantic import Field

CODE_PATTERN: Final = r"^[^\x00-\x20\x7f-\xa0]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$"
"""No control characters, and no white space at either end; case and inner spaces are kept."""

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=CODE_PATTERN)]
