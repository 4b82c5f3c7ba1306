"""Subscriptions to orders, over sockets and event streams, with fake services."""

import pytest

from gateway.tests.listening import OTHER, SUBSCRIBE, Listening, world
from kit.errors import Unavailable
from kit.graphql.tests.sockets import Socket, signed_in
from kit.graphql.tests.streams import requested
from kit.testing import eventually

__all__ = ["world"]


def subscribe(socket: Socket, order_id: str) -> None:
    socket.send(type="subscribe", id="1", payload={"query": SUBSCRIBE, "variables": {"id": order_id}})


async def test_a_subscription_gets_the_order_now_and_after_each_change(world: Listening) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        first = await socket.receive()
        assert first["payload"].pop("extensions")["cost"]["cost"] == 1
        assert first == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"orderUpdated": {"id": world.order_id, "status": "PENDING", "version": 1}}},
        }
        world.changes(2, "CONFIRMED")
        assert (await socket.receive())["payload"]["data"]["orderUpdated"]["status"] == "CONFIRMED"


async def test_quick_successive_changes_may_arrive_as_one_and_the_last_arrives(world: Listening) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        for version, status in ((2, "CONFIRMED"), (3, "SHIPPED"), (4, "DELIVERED")):
            world.changes(version, status)
        last = await socket.receive()
        assert last["payload"]["data"]["orderUpdated"]["version"] == 4


async def test_old_and_known_versions_are_not_sent(world: Listening) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.changes(3, "CONFIRMED")
        await socket.receive()
        calls = len(world.recorder.calls)
        world.changes(2, "PENDING")
        await eventually(lambda: len(world.recorder.calls) > calls)
        world.updates.on_order_event(None)
        await eventually(lambda: len(world.recorder.calls) > calls + 1)
        assert socket.silent()


async def test_a_subscription_survives_an_outage_of_the_order_service(world: Listening) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.recorder.raises["GetOrder"] = Unavailable("down", reason="DATABASE_UNAVAILABLE")
        world.changes(2, "CONFIRMED")
        await eventually(lambda: len(world.recorder.calls) > 2)
        del world.recorder.raises["GetOrder"]
        assert (await socket.receive())["payload"]["data"]["orderUpdated"]["version"] == 2


async def test_a_subscription_gets_the_order_again_when_its_payment_waits_for_the_buyer(
    world: Listening,
) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.payment_waits("ord_other")
        world.payment_waits(world.order_id)
        again = (await socket.receive())["payload"]["data"]["orderUpdated"]
        assert again == {"id": world.order_id, "status": "PENDING", "version": 1}
        assert socket.silent()


async def test_another_customers_order_is_not_found(world: Listening) -> None:
    async with signed_in(world.app(), world.token(OTHER)) as socket:
        subscribe(socket, world.order_id)
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")


async def test_a_subscription_ends_with_its_socket(world: Listening) -> None:
    async with signed_in(world.app(), world.token()) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        assert world.updates._watchers
    assert not world.updates._watchers


async def test_a_stream_survives_a_short_outage(world: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolvers.subscription._RETRY_SECONDS", 0.05)
    query = requested(world.app(), SUBSCRIBE, variables={"id": world.order_id}, token=world.token())
    async with query as stream:
        await stream.started()
        await stream.next()
        world.recorder.raises["GetOrder"] = Unavailable("gone")
        world.changes(2, "CONFIRMED")
        await eventually(lambda: world.recorder.names().count("GetOrder") > 2)
        del world.recorder.raises["GetOrder"]
        assert (await stream.next())["data"]["orderUpdated"]["status"] == "CONFIRMED"
