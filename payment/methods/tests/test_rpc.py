"""The gRPC methods of saved payment methods, in one process. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from souk.payment.v1 import saved_method_pb2
from souk.payment.v1 import saved_method_service_pb2 as pb

from kit.auth import Principal
from kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import FakeTokenVerifier, admin
from kit.values import ACCOUNT, PAYMENT_METHOD
from payment.methods.rpc import SavedMethodRpc
from payment.methods.tests.saving_world import Saving, name, owner, world
from payment.tests.world import stores

__all__ = ["database_url", "postgres", "stores", "world"]


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    tokens: FakeTokenVerifier

    async def call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        with acting_as(self.tokens.token(caller) if caller else None):
            return await self.channel.call(method, request, response)

    async def listed(
        self, caller: Principal | None, *accounts: Principal
    ) -> list[saved_method_pb2.SavedMethod]:
        ids = [ACCOUNT.format(account.account_id) for account in accounts]
        request = pb.BatchListMethodsRequest(account_ids=ids)
        return list(
            (await self.call(caller, "BatchListMethods", request, pb.BatchListMethodsResponse)).methods
        )


@pytest.fixture
async def edge(world: Saving) -> AsyncIterator[Edge]:
    tokens = FakeTokenVerifier()
    server = Server([SavedMethodRpc(world.methods)], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", SavedMethodRpc.service)
    await channel.open()
    yield Edge(channel, tokens)
    await channel.close()
    await server.stop(0)


async def test_start_saving_method_returns_the_secret_of_a_setup(world: Saving, edge: Edge) -> None:
    buyer, request = owner(), pb.StartSavingMethodRequest()
    started = await edge.call(buyer, "StartSavingMethod", request, pb.StartSavingMethodResponse)
    assert started.client_secret.startswith("seti_")
    with pytest.raises(Unauthenticated):
        await edge.call(None, "StartSavingMethod", request, pb.StartSavingMethodResponse)
    with pytest.raises(PermissionDenied):
        await edge.call(
            replace(buyer, guest=True), "StartSavingMethod", request, pb.StartSavingMethodResponse
        )


async def test_batch_list_methods_is_for_owners_and_admins(world: Saving, edge: Edge) -> None:
    buyer, other = owner(), owner()
    method = await world.save_card(buyer)
    [listed] = await edge.listed(buyer, buyer)
    assert (listed.id, listed.account_id) == (name(method), ACCOUNT.format(buyer.account_id))
    assert (listed.brand, listed.last4, listed.exp_year, listed.is_default) == ("visa", "4242", 2034, True)
    assert await edge.listed(admin(), buyer, other) == [listed]
    with pytest.raises(PermissionDenied):
        await edge.listed(other, buyer)
    with pytest.raises(Unauthenticated):
        await edge.listed(None, buyer)
    with pytest.raises(InvalidArgument):
        await edge.listed(admin(), *[owner()] * 101)


@pytest.mark.parametrize(
    ("rpc", "request_type", "response_type"),
    [
        ("SetDefaultMethod", pb.SetDefaultMethodRequest, pb.SetDefaultMethodResponse),
        ("DeleteMethod", pb.DeleteMethodRequest, pb.DeleteMethodResponse),
    ],
)
async def test_methods_are_changed_by_their_owner(
    world: Saving, edge: Edge, rpc: str, request_type: Any, response_type: Any
) -> None:
    buyer = owner()
    method = await world.save_card(buyer)
    request = request_type(method_id=name(method))
    for stranger in (owner(), admin()):
        with pytest.raises(NotFound) as rejected:
            await edge.call(stranger, rpc, request, response_type)
        assert rejected.value.reason == "METHOD_NOT_FOUND"
    with pytest.raises(Unauthenticated):
        await edge.call(None, rpc, request, response_type)
    with pytest.raises(InvalidArgument) as invalid:
        await edge.call(buyer, rpc, request_type(method_id="pm_card_visa"), response_type)
    assert [fault.path for fault in invalid.value.fields] == [("id",)]
    with pytest.raises(NotFound):
        unknown = request_type(method_id=PAYMENT_METHOD.format(PAYMENT_METHOD.new()))
        await edge.call(buyer, rpc, unknown, response_type)
    await edge.call(buyer, rpc, request, response_type)
    assert len(await edge.listed(buyer, buyer)) == (rpc == "SetDefaultMethod")
