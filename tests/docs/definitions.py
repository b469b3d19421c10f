"""Writes docs/definitions.md from the catalogue: `python -m tests.docs.definitions > docs/definitions.md`.

A test keeps the page equal. It knows Markdown and the catalogue's entries, and no metric by name.
"""

import sys
from collections.abc import Iterator, Mapping

from app.kit.text import Text
from app.metrics.catalogue import CATALOGUE
from app.metrics.metric import Balance, Rate, Statistic

_HEAD = """# Định nghĩa mọi số liệu · Definitions of every figure

Trang này được tạo từ danh mục của phần mềm; `GET /v1/metrics` trả về cùng nội dung. Cách đọc: [Ý nghĩa số liệu](figures.md).

This page is made from the product's catalogue, and `GET /v1/metrics` answers the same. How to read it: [What the figures mean](figures.md).
Make it anew with `python -m tests.docs.definitions > docs/definitions.md`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for metric in CATALOGUE.values() for line in _entry(metric))])


def _entry(metric: Rate | Balance | Statistic) -> Iterator[str]:
    yield f"## `{metric.key}`"
    yield f"**{metric.names.vi} · {metric.names.en}** (định nghĩa phiên bản · definition version {metric.version})\n"
    yield _both(metric.definition)
    yield f"Căn cứ · Legal basis: {metric.legal_basis.vi} · {metric.legal_basis.en}\n"
    yield from _parts(metric.parts)
    if isinstance(metric, Rate | Statistic):
        yield f"Ví dụ · Example: {metric.worked.vi} · {metric.worked.en}\n"


def _both(text: Text) -> str:
    return f"{text.vi}\n\n{text.en}\n"


def _parts(parts: Mapping[str, Text]) -> Iterator[str]:
    yield "| | tiếng Việt | English |"
    yield "|---|---|---|"
    yield from (f"| `{key}` | {says.vi} | {says.en} |" for key, says in parts.items())
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
