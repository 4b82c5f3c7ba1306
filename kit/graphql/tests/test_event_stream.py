"""GraphQL over Server-Sent Events, event by event."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kit.graphql.metrics import CONNECTIONS
from kit.graphql.tests.streams import Stream, requested
from kit.graphql.tests.world import OTHER, USER, Servers
from kit.testing import eventually

SUBSCRIBE = "subscription($id: ID!) { loanUpdated(id: $id) { id status version } }"
LOAN = {"id": "1"}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    servers = Servers()
    yield servers
    await servers.close()


@asynccontextmanager
async def subscribed(servers: Servers, app: Any = None) -> AsyncIterator[Stream]:
    """A subscription that has received the loan's current state."""
    token = servers.token()
    async with requested(app or servers.app(), SUBSCRIBE, variables=LOAN, token=token) as stream:
        status, headers = await stream.started()
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert (await stream.next())["data"]["loanUpdated"]["version"] == 1
        yield stream


def open_now(servers: Servers) -> tuple[int, float]:
    """Subscriptions and connections."""
    return len(servers.library.watchers), CONNECTIONS._value.get()


async def test_results_come_as_they_are_made(servers: Servers) -> None:
    async with requested(servers.app(), SUBSCRIBE, variables=LOAN, token=servers.token()) as stream:
        _, headers = await stream.started()
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert "ratelimit-remaining" in headers
        first = await stream.next()
        assert first.pop("extensions")["cost"]["cost"] == 1
        assert first == {"data": {"loanUpdated": {"id": "1", "status": "OPEN", "version": 1}}}
        servers.library.change(2, "RETURNED")
        assert (await stream.next())["data"]["loanUpdated"]["status"] == "RETURNED"


async def test_a_query_has_one_result(servers: Servers) -> None:
    async with requested(servers.app(), "{ __typename }") as stream:
        await stream.started()
        assert (await stream.next())["data"] == {"__typename": "Query"}
        await stream.completes()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ('subscription { loanUpdated(id: "2") { id } }', "NOT_FOUND"),
    ],
)
async def test_an_error_is_an_event(servers: Servers, query: str, code: str) -> None:
    async with requested(servers.app(), query, token=servers.token()) as stream:
        assert (await stream.started())[0] == 200
        assert await stream.code() == code
        await stream.completes()


async def test_a_subscription_requires_a_token(servers: Servers) -> None:
    async with requested(servers.app(), SUBSCRIBE, variables=LOAN) as stream:
        assert (await stream.started())[0] == 401
        assert json.loads(await stream.text())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_disconnect_ends_the_subscription(servers: Servers) -> None:
    before = open_now(servers)
    async with subscribed(servers):
        assert open_now(servers) == (before[0] + 1, before[1] + 1)
    assert open_now(servers) == before


async def test_connections_of_an_account_are_limited(servers: Servers) -> None:
    app = servers.app(max_connections=1)
    async with subscribed(servers, app):
        async with requested(app, SUBSCRIBE, variables=LOAN, token=servers.token()) as second:
            await second.started()
            assert await second.code() == "RATE_LIMITED"
            await second.completes()
        async with requested(app, SUBSCRIBE, variables=LOAN, token=servers.token(OTHER)) as others:
            await others.started()
            assert await others.code() == "NOT_FOUND", "admitted, but the loan is another's"
        async with requested(app, "{ __typename }", token=servers.token()) as query:
            await query.started()
            assert (await query.next())["data"], "a query does not count"
    async with subscribed(servers, app):
        pass


async def test_a_revoked_token_ends_its_stream(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.graphql.connections._TOKEN_CHECK_SECONDS", 0.05)
    async with subscribed(servers) as stream:
        servers.tokens.revoke(USER)
        assert await stream.code() == "UNAUTHENTICATED"
        await stream.completes()


async def test_a_silent_stream_is_kept_alive(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.graphql.event_stream._KEEPALIVE_SECONDS", 0.05)
    async with subscribed(servers) as stream:
        assert await stream.text() == ":\n\n"
        servers.library.change(2, "RETURNED")
        while (event := await stream.text()) == ":\n\n":
            pass
        assert "RETURNED" in event


async def test_a_shutdown_ends_streams_without_complete(servers: Servers) -> None:
    async with subscribed(servers) as stream:
        servers.shut_down()
        assert await stream.text() == "", "without `complete`, the client reconnects"
        await asyncio.wait_for(stream.task, 5)


async def test_a_client_that_does_not_read_is_disconnected(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.graphql.event_stream.SEND_SECONDS", 0.05)
    before = open_now(servers)
    async with subscribed(servers) as stream:
        stream.reads.clear()
        servers.library.change(2, "RETURNED")
        await eventually(lambda: open_now(servers) == before)
        stream.reads.set()
        await asyncio.wait_for(stream.task, 5)
