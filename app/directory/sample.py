"""The Phan Thiết area before and after the mergers of 2024-12-01 and 2025-07-01, as a sample read from `phan_thiet.csv`.

Names say that they are samples: whoever needs the official list takes it from the resolutions of the National Assembly's
Standing Committee (1671/NQ-UBTVQH15 for Lâm Đồng's wards and communes). It refuses to know any office's figures.
"""

import csv
from functools import cache
from importlib.resources import files

from app.directory.schemas import Unit


@cache
def phan_thiet() -> tuple[Unit, ...]:
    """Every unit of the area in every period; all of them are one call to `put_units`."""
    rows = files("app.directory").joinpath("phan_thiet.csv").read_text(encoding="utf-8").splitlines()
    return tuple(_unit(row) for row in csv.DictReader(rows))


def _unit(row: dict[str, str]) -> Unit:
    """A row; an empty field is absent, `successors` are `code:kind` with spaces between."""
    told = {name: value for name, value in row.items() if value and name != "successors"}
    heirs = (heir.split(":") for heir in row["successors"].split())
    return Unit.model_validate({**told, "successors": [{"code": code, "kind": kind} for code, kind in heirs]})
