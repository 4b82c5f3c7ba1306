"""graphql-transport-ws, message by message."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kit.errors import Unavailable
from kit.graphql import AllowList
from kit.graphql.tests.sockets import Socket, connected, signed_in
from kit.graphql.tests.streams import requested
from kit.graphql.tests.world import GUEST, OTHER, OTHER_GUEST, USER, Servers
from kit.testing import eventually

SUBSCRIBE = "subscription($id: ID!) { loanUpdated(id: $id) { id status version } }"
UNKNOWN = {"persistedQuery": {"version": 1, "sha256Hash": "1" * 64}}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    servers = Servers()
    yield servers
    await servers.close()


def subscribe(socket: Socket, number: str = "1") -> None:
    socket.send(type="subscribe", id=number, payload={"query": SUBSCRIBE, "variables": {"id": "1"}})


async def test_results_have_the_cost_and_come_as_they_are_made(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        first = await socket.receive()
        assert first["payload"].pop("extensions")["cost"]["cost"] == 1
        assert first == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"loanUpdated": {"id": "1", "status": "OPEN", "version": 1}}},
        }
        servers.library.change(2, "RETURNED")
        assert (await socket.receive())["payload"]["data"]["loanUpdated"]["status"] == "RETURNED"


async def test_an_error_of_one_operation_leaves_the_socket_open(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token(OTHER)) as socket:
        subscribe(socket)
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
        socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { loanUpdated(id: "x") { id } }', "BAD_USER_INPUT"),
    ],
)
async def test_an_invalid_operation_gets_an_error_message(servers: Servers, query: str, code: str) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        socket.send(type="subscribe", id="1", payload={"query": query})
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", code)


async def test_a_query_gets_one_result_and_complete(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        socket.send(type="subscribe", id="q", payload={"query": "{ me { email } }"})
        assert (await socket.receive())["payload"]["data"]["me"] is not None
        assert await socket.receive() == {"type": "complete", "id": "q"}


async def test_with_an_allow_list_other_documents_are_rejected(servers: Servers) -> None:
    async with signed_in(
        servers.app(allowed_documents=AllowList({"0" * 64: SUBSCRIBE})), servers.token()
    ) as socket:
        subscribe(socket)
        assert (await socket.receive())["type"] == "next"
        for payload in ({"query": "{ me { email } }"}, {"extensions": UNKNOWN}):
            socket.send(type="subscribe", id="q", payload=payload)
            message = await socket.receive()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_IN_LIST"


async def test_after_complete_results_stop_and_the_id_is_free_again(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        socket.send(type="complete", id="1")
        await eventually(lambda: not servers.library.watchers)
        servers.library.change(2, "RETURNED")
        subscribe(socket)
        assert (await socket.receive())["payload"]["data"]["loanUpdated"]["version"] == 2


async def test_a_disconnect_ends_the_subscription(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        assert servers.library.watchers
    assert not servers.library.watchers


async def test_an_id_is_free_as_soon_as_its_operation_is_completed(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        socket.send(type="complete", id="1")
        subscribe(socket)
        assert (await socket.receive())["payload"]["data"]["loanUpdated"]["version"] == 1
        servers.library.change(2, "RETURNED")
        assert (await socket.receive())["payload"]["data"]["loanUpdated"]["version"] == 2
        assert socket.silent()
        subscribe(socket)
        assert await socket.closed() == 4409, "the second operation still holds it"


async def test_completed_operations_do_not_count_against_the_limit(servers: Servers) -> None:
    async with signed_in(servers.app(max_operations=1), servers.token()) as socket:
        for number in range(5):
            subscribe(socket, str(number))
            socket.send(type="complete", id=str(number))
        subscribe(socket, "last")
        assert (await socket.receive())["id"] == "last"
    assert not servers.library.watchers


async def test_extensions_may_be_null(servers: Servers) -> None:
    for extensions in (None, {"persistedQuery": None}):
        async with signed_in(servers.app(), servers.token()) as socket:
            payload = {"query": "{ __typename }", "extensions": extensions}
            socket.send(type="subscribe", id="1", payload=payload)
            assert (await socket.receive())["payload"]["data"] == {"__typename": "Query"}


async def test_a_client_should_try_again_while_tokens_cannot_be_verified(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def verify(token: str) -> None:
        raise Unavailable("signing keys are not available")

    monkeypatch.setattr(servers.tokens, "verify", verify)
    text = '{"type": "connection_init", "payload": {"Authorization": "Bearer x"}}'
    assert await close_code(servers, lambda socket: socket.send_text(text)) == 1013
    assert [record for record in caplog.records if record.exc_info] == []


async def close_code(servers: Servers, act: Callable[[Socket], None], **options: Any) -> int:
    async with connected(servers.app(**options)) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        act(socket)
        return await socket.closed()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "connection_init"}', 4401),
        ('{"type": "connection_init", "payload": {"Authorization": "Bearer forged"}}', 4401),
        ('{"type": "connection_init", "payload": {"Authorization": "Basic eDp5"}}', 4401),
        ('{"type": "connection_init", "payload": [1]}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}', 4401),
        ('{"type": "unknown"}', 4400),
        ('{"id": "1"}', 4400),
        ("not json", 4400),
        ('{"type": "' + "x" * 2_000_000 + '"}', 4400),
    ],
)
async def test_a_socket_that_does_not_authenticate_is_closed(servers: Servers, text: str, code: int) -> None:
    assert await close_code(servers, lambda socket: socket.send_text(text)) == code


async def test_a_silent_socket_is_closed(servers: Servers) -> None:
    assert await close_code(servers, lambda _: None, init_seconds=0.1) == 4408


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init", "payload": {"Authorization": "Bearer x"}}, 4429),
        ({"type": "subscribe", "payload": {"query": "{ me { id } }"}}, 4400),
        ({"type": "subscribe", "id": "2", "payload": {"query": 7}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": SUBSCRIBE}}, 4409),
    ],
)
async def test_a_violation_of_the_protocol_closes_the_socket(
    servers: Servers, message: dict[str, Any], code: int
) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        socket.send(**message)
        assert await socket.closed() == code
    assert not servers.library.watchers


async def test_another_subprotocol_is_rejected(servers: Servers) -> None:
    async with connected(servers.app(), protocols=("graphql-ws",)) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        assert await socket.closed() == 4406


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("http://library.test", True), ("https://shop.example", True), ("https://evil.example", False)],
)
async def test_the_origin_of_a_page_is_checked(servers: Servers, origin: str, allowed: bool) -> None:
    app = servers.app(socket_origins=("https://shop.example",))
    async with connected(app, origin=origin) as socket:
        assert (await socket.raw())["type"] == ("websocket.accept" if allowed else "websocket.close")


async def test_sockets_of_an_account_are_limited_until_one_closes(servers: Servers) -> None:
    app = servers.app(max_connections=1)
    async with signed_in(app, servers.token()):
        async with connected(app) as second:
            await second.raw()
            second.send(type="connection_init", payload={"authorization": f"Bearer {USER.account_id}"})
            assert await second.closed() == 4429
        async with signed_in(app, servers.token(OTHER)):
            pass
    async with signed_in(app, servers.token()):
        pass


async def test_guests_share_the_sockets_and_streams_of_their_network(servers: Servers) -> None:
    app = servers.app(max_unauthenticated=1)
    token = servers.token(OTHER_GUEST)
    async with signed_in(app, servers.token(GUEST)):
        async with connected(app) as second:
            await second.raw()
            second.send(type="connection_init", payload={"authorization": f"Bearer {token}"})
            assert await second.closed() == 4429
        async with requested(app, SUBSCRIBE, variables={"id": "1"}, token=token) as stream:
            await stream.started()
            assert await stream.code() == "RATE_LIMITED"
            await stream.completes()
        async with signed_in(app, servers.token()):
            pass
    async with signed_in(app, token):
        pass


async def test_operations_of_a_socket_are_limited(servers: Servers) -> None:
    async with signed_in(servers.app(max_operations=1), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        subscribe(socket, "2")
        assert await socket.closed() == 4429


async def test_a_revoked_token_closes_its_socket(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.graphql.connections._TOKEN_CHECK_SECONDS", 0.05)
    async with signed_in(servers.app(init_seconds=0.1), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        servers.tokens.revoke(USER)
        assert await socket.closed() == 4403


async def test_a_shutdown_closes_sockets(servers: Servers) -> None:
    async with signed_in(servers.app(), servers.token()) as socket:
        subscribe(socket)
        await socket.receive()
        servers.shut_down()
        assert await socket.closed() == 1001
