"""A mapping: how a row of somebody's own table tells facts, as data in a TOML file.

Pure but for reading that file: it knows what a mapping may say, and no table and no database.
"""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from app.events.types import TYPES, Source
from app.kit.problems import Fault, Problem
from app.kit.text import Text

Constant = str | bool | int | float

_TimeOfDay = time  # a rule's own `time` is a column

_NOT_TOML: Final = Text(
    "{file}: không phải TOML hợp lệ ({reason}).", "{file}: it is not valid TOML ({reason})."
)
_NOT_ONE: Final = Text("{file}: ánh xạ không hợp lệ.", "{file}: the mapping is not valid.")
_UNKNOWN: Final = Text(
    "Không có ánh xạ {name}, cũng không có tệp nào tên như vậy. Có sẵn: {there}.",
    "There is no mapping {name}, nor a file of that name. There are: {there}.",
)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _texts(value: object) -> object:
    """Codes may be written as numbers; a cell is compared as text."""
    if isinstance(value, list):
        return [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value]
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1, strict=False)]
Choices = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: _texts(_listed(value))), Field(strict=False)
]


class Told(BaseModel):
    """What stands in a mapping; a field of another name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Column(Told):
    """Where a value comes from: the first of these columns that is there and not blank."""

    column: Names
    values: str | dict[str, Constant] | None = Field(
        None,
        description="Name of a table of values, or the table itself: what stands in the cell → what is meant.",
    )
    blank: Constant | None = Field(None, description="What a blank cell means; else the field is left out.")


def _a_column(value: object) -> object:
    return {"column": value} if isinstance(value, str | list) else value


def _told_apart(value: object) -> object:
    """A table with `column` is a column; any other holds the parts of an object."""
    return Column.model_validate(value) if isinstance(value, dict) and "column" in value else value


Part = Annotated[Constant | Column, BeforeValidator(_told_apart)]
Value = Annotated[Constant | Column | dict[str, Part], BeforeValidator(_told_apart)]


class Rule(Told):
    """One kind of fact that a row may tell."""

    type: str
    time: Annotated[Column, BeforeValidator(_a_column)] = Field(
        description="When it happened; a row in which this is blank does not tell the fact."
    )
    id: str = Field(
        "{subject}:{kind}",
        description="Makes the event's id, the same in every export: {subject}, {kind} (the type's second word), {time}.",
    )
    when: dict[str, Choices] = Field(
        {}, description='Only where these columns hold one of these; "" is blank.'
    )
    unless: dict[str, Choices] = Field({}, description="Not where one of these columns holds one of these.")
    day_at: _TimeOfDay | None = Field(None, description="Local time of day where only the day is told.")
    optional: bool = Field(False, description="A table without these columns tells no such fact.")
    data: dict[str, Value] = {}

    @property
    def kind(self) -> str:
        """The type's second word."""
        return self.type.partition(".")[2]

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TYPES:
            raise ValueError(f"there is no event type {value}")
        return value

    @field_validator("id")
    @classmethod
    def _made_of_what_there_is(cls, value: str) -> str:
        try:
            value.format(subject="", kind="", time="")
        except (KeyError, IndexError, ValueError):
            raise ValueError("an id is made of {subject}, {kind} and {time}") from None
        return value

    def columns(self) -> Iterator[tuple[str, ...]]:
        """The columns that it needs, each with its alternatives."""
        yield self.time.column
        yield from ((name,) for name in (*self.when, *self.unless))
        for value in self.data.values():
            for part in value.values() if isinstance(value, dict) else (value,):
                if isinstance(part, Column):
                    yield part.column


class Mapping(Told):
    """How the rows of a table tell facts."""

    title: str
    title_en: str | None = None
    source: Source | None = None
    zone: str | None = Field(None, description="IANA zone of local times; else the deployment's.")
    dates: tuple[str, ...] | None = Field(None, strict=False, description="Forms of dates, as in strptime.")
    none: Choices = Field((), description="What a cell holds that means nothing, such as NULL.")
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str | None = None
    sheet: str | None = None
    headings: dict[str, Names] = Field({}, description="Other headings under which a column may stand.")
    subject: Annotated[Column, BeforeValidator(_a_column)] = Field(description="The dossier's code.")
    only: dict[str, Choices] = Field({}, description="Only rows in which these columns hold one of these.")
    known: dict[str, Choices] = Field(
        {}, description="A row in which a column holds anything else is refused."
    )
    values: dict[str, dict[str, Constant]] = {}
    event: Annotated[tuple[Rule, ...], Field(min_length=1, strict=False)]

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh")
        return value

    @field_validator("dates")
    @classmethod
    def _forms(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        sample = datetime(2026, 3, 20, 16, 30)  # noqa: DTZ001 - only the form is tried
        for form in value or ():
            try:
                datetime.strptime(sample.strftime(form), form)  # noqa: DTZ007 - only the form is tried
            except ValueError:
                raise ValueError(f"{form!r} is no form of a date such as %d/%m/%Y") from None
        return value

    @model_validator(mode="after")
    def _tables_are_there(self) -> "Mapping":
        for column in self._all_columns():
            if isinstance(column.values, str) and column.values not in self.values:
                raise ValueError(f"there is no table values.{column.values}")
        return self

    def _all_columns(self) -> Iterator[Column]:
        yield self.subject
        for rule in self.event:
            yield rule.time
            for value in rule.data.values():
                parts = value.values() if isinstance(value, dict) else (value,)
                yield from (part for part in parts if isinstance(part, Column))

    def columns(self) -> Iterator[list[str]]:
        """The columns that every table must have, each with its alternatives."""
        yield self.spelled(self.subject.column)
        yield from (self.spelled((name,)) for name in (*self.only, *self.known))
        for rule in self.event:
            if not rule.optional:
                yield from (self.spelled(names) for names in rule.columns())

    def spelled(self, names: Iterable[str]) -> list[str]:
        """These columns, each under every heading that it may have."""
        return [heading for name in names for heading in (name, *self.headings.get(name, ()))]

    def table(self, column: Column) -> "dict[str, Constant] | None":
        """What stands in the cell → what is meant; None where the cell says it itself."""
        return self.values[column.values] if isinstance(column.values, str) else column.values


def shipped() -> dict[str, str]:
    """The mappings that come with the product: name → text."""
    folder = resources.files("app.importing") / "mappings"
    return {
        found.name.removesuffix(".toml"): found.read_text(encoding="utf-8")
        for found in sorted(folder.iterdir(), key=lambda found: found.name)
        if found.name.endswith(".toml")
    }


def load(name: str) -> Mapping:
    """A shipped mapping by its name, else the file of that name. Raises Problem invalid that says where and why."""
    there = shipped()
    if name in there:
        return parse(name, there[name])
    path = Path(name)
    if not path.is_file():
        raise Problem("invalid", _UNKNOWN.filled(name=name, there=", ".join(there)))
    return parse(path.name, path.read_text(encoding="utf-8-sig", errors="replace"))


def parse(file: str, written: str) -> Mapping:
    """The mapping in a TOML text. Raises Problem invalid that says where and why."""
    try:
        told: dict[str, Any] = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise Problem("invalid", _NOT_TOML.filled(file=file, reason=error)) from None
    try:
        return Mapping.model_validate(told)
    except ValidationError as error:
        faults = [
            Fault("".join(f"/{step}" for step in found["loc"]), Text(found["msg"], found["msg"]))
            for found in error.errors(include_url=False, include_input=False)
        ]
        raise Problem("invalid", _NOT_ONE.filled(file=file), faults) from None
