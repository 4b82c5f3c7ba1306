"""Documents by hash, and lists of allowed documents."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.tests.edges import DIGEST, ME, by_hash, code
from gateway.tests.world import opened
from kit.graphql.persisted import AllowList
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis"]


async def test_a_document_is_sent_once_and_then_requested_by_its_hash(tmp_path: Path, redis: Redis) -> None:
    async with opened(tmp_path, redis_url=redis.url()) as world:
        unknown = (await world.post(by_hash(DIGEST))).json()
        assert code(unknown) == "PERSISTED_QUERY_NOT_FOUND"
        assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
        assert (await world.post(by_hash(DIGEST, query=ME))).json()["data"] == {"me": None}
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
    # Another replica.
    async with opened(tmp_path, redis_url=redis.url()) as world:
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
        wrong = "0" * 64
        assert code((await world.post(by_hash(wrong, query=ME))).json()) == "BAD_REQUEST"
        assert code((await world.post(by_hash(wrong))).json()) == "PERSISTED_QUERY_NOT_FOUND"
        for broken in (1, {}, {"version": 2, "sha256Hash": DIGEST}, {"version": 1, "sha256Hash": 5}):
            body = {"query": ME, "extensions": {"persistedQuery": broken}}
            assert code((await world.post(body)).json()) == "BAD_REQUEST"


async def test_an_invalid_document_is_not_stored(tmp_path: Path, redis: Redis) -> None:
    text = "{ unknown }"
    digest = sha256(text.encode()).hexdigest()
    async with opened(tmp_path, redis_url=redis.url()) as world:
        assert code((await world.post(by_hash(digest, query=text))).json()) == "GRAPHQL_VALIDATION_FAILED"
        assert code((await world.post(by_hash(digest))).json()) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "listed",
    [
        {DIGEST: ME},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": DIGEST, "name": "Me", "type": "query", "body": ME}],
        },
    ],
)
async def test_with_an_allow_list_other_documents_are_rejected(tmp_path: Path, listed: Any) -> None:
    path = tmp_path / "allowed.json"
    path.write_text(json.dumps(listed))
    async with opened(tmp_path, allowed=AllowList.read(path)) as world:
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
        assert (await world.post({"query": ME})).json()["data"] == {"me": None}
        for other in ({"query": "{ me { name } }"}, by_hash("0" * 64), by_hash("0" * 64, query="{ a }")):
            assert code((await world.post(other)).json()) == "PERSISTED_QUERY_NOT_IN_LIST"
