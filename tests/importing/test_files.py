"""A file in the wrong encoding or form is told before anything is stored, with what to do about it."""

import gzip
import os
from pathlib import Path

import pytest

from app.importing.files import lines_of, opened, survey
from app.kit.problems import Problem

TABLE = "code,name,kind\n22918,UBND phường Mũi Né,ward\n"


def made(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding", "asked"),
    [
        (TABLE.encode(), "utf-8", None),
        (TABLE.encode("utf-8-sig"), "utf-8", None),
        (TABLE.encode("utf-16"), "utf-16", None),
        (TABLE.encode("utf-16-le"), "utf-16-le", "utf-16-le"),
        (gzip.compress(TABLE.encode()), "utf-8", None),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16", "utf-16 without a mark", "gzip"],
)
def test_encodings_that_tell_themselves_are_found(
    tmp_path: Path, content: bytes, encoding: str, asked: str | None
) -> None:
    path = made(tmp_path / "table.csv", content)
    surveyed = survey(path, asked)
    assert (surveyed.form, surveyed.encoding) == ("csv", encoding)
    with opened(path) as (read, _):
        assert "".join(lines_of(read, encoding)) == TABLE


def windows_1258(text: str) -> bytes:
    """Vietnamese as old software writes it: the tone is a mark of its own behind the letter."""
    marks = {"ườ": "ươ\u0300", "ũ": "u\u0303", "ị": "i\u0323"}
    for whole, apart in marks.items():
        text = text.replace(whole, apart)
    return text.encode("cp1258")


def test_windows_1258_is_recognised_and_read_in_composed_letters_when_asked_for(tmp_path: Path) -> None:
    path = made(tmp_path / "old.csv", windows_1258(TABLE))
    with pytest.raises(Problem) as refused:
        survey(path, None)
    assert "--encoding windows-1258" in refused.value.detail.vi
    assert "line 2" in refused.value.detail.en
    assert survey(path, "windows-1258").encoding == "windows-1258"
    with opened(path) as (content, _):
        assert "".join(lines_of(content, "windows-1258")) == TABLE


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", TABLE.encode("utf-16-le"), "--encoding utf-16-le"),
        ("a.csv", b"code,name\n" + b"x,y\n" * 90_000 + b"1,\xff\n", "line 90002"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xlsx"),
        ("a.csv.gz", gzip.compress(os.urandom(5000))[:-900], "gzip"),
        ("a.ndjson", '{"id": "1"}'.encode("utf-16"), "UTF-8"),
    ],
    ids=["no mark", "late", "old Excel", "breaks off", "lines"],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    with pytest.raises(Problem) as refused:
        survey(made(tmp_path / name, content), None)
    assert told in refused.value.detail.en


def test_a_file_of_objects_is_told_from_a_table_by_what_it_holds(tmp_path: Path) -> None:
    assert survey(made(tmp_path / "export.txt", b'\n{"id": "1"}\n'), None).form == "lines"
    assert survey(made(tmp_path / "export.dat", TABLE.encode()), None).form == "csv"
    assert survey(made(tmp_path / "x.ndjson", b"not json\n"), None).form == "lines"
