"""A form of a browser is taken apart into exactly what was put in, whatever the bytes."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.uploads import taken_apart
from app.kit.problems import Problem

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=20
)


@given(
    TEXTS, NAMES, st.binary(max_size=200) | st.sampled_from([b"\r\n", b"--", b"\r\n--", b"\r\n\r\n", b"\n\r"])
)
def test_what_is_put_in_comes_out(text: str, name: str, content: bytes) -> None:
    request = httpx.Request("POST", "http://test/", data={"note": text}, files={"file": (name, content)})
    request.read()
    fields, files = taken_apart(request.headers["content-type"], request.content)
    assert fields == {"note": text}
    assert files == {"file": (name, content)}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n',
        ),
    ],
)
def test_what_is_no_such_form_is_told(content_type: str, body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        taken_apart(content_type, body)
    assert refused.value.kind == "unreadable"
