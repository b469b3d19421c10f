"""A list of dossiers comes as JSON or CSV, as the reader likes best, and as nothing else."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("text/*", "text/csv; charset=utf-8"),
    ],
)
async def test_a_list_comes_as_the_reader_likes_it_best(
    accept: str, answered: str, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/v1/dossiers", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, answered)


@pytest.mark.parametrize(
    "accept", ["image/png", "text/csvx", "text/csv;q=0", "application/json;q=0, text/html"]
)
async def test_another_media_type_is_a_problem(accept: str, client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/dossiers", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")
