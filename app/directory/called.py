"""What units and procedures are called in a reader's language.

It knows names and their fallback, and nothing of what is told about the units.
"""

from collections.abc import Collection
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import Kind, names
from app.kit.text import Language


async def called_by(
    connection: AsyncConnection, kind: Kind, codes: Collection[str], language: Language, day: date
) -> dict[str, str]:
    """Code → name in a language on a local day; the code itself where the directory has none."""
    known = await names(connection, kind, codes, day) if codes else {}
    said = {code: (language == "en" and en) or vi for code, (vi, en) in known.items()}
    return {code: said.get(code, code) for code in codes}
