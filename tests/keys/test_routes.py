import re

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from app.keys.guard import SCHEME_NAME
from app.kit.db import Database


async def test_every_route_refuses_a_missing_key_before_it_takes_a_connection(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    taken: list[object] = []
    sa.event.listen(database.engine.sync_engine.pool, "checkout", lambda *_: taken.append(_))
    paths = {path for path in app.openapi()["paths"] if path.startswith("/v1/")}
    assert "/v1/units/{code}" in paths
    for path in paths:
        for method, operation in app.openapi()["paths"][path].items():
            assert SCHEME_NAME in operation.get("security", [{}])[0], (method, path)
            filled = re.sub(r"\{\w+\}", "1", path)
            answer = await client.request(method, filled, headers={"Authorization": ""})
            assert answer.status_code == 401, (method, path)
            # A request that holds a connection while its key is looked up, which takes another, can starve the rest.
            assert not taken, (method, path)
