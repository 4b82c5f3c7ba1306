"""An order that changes, and servers with fake services that report the changes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from souk.payment.v1.events_pb2 import PaymentActionRequired
from souk.payment.v1.payment_pb2 import Payment

from gateway.order_updates import OrderUpdates
from gateway.peers import Peers
from gateway.settings import Settings
from gateway.tests.fakes.order import OrderRpc
from gateway.tests.fakes.peers import SERVICES, standing_in
from gateway.tests.fakes.recorder import Recorder
from gateway.tests.world import make_server
from kit.auth import Principal, Role
from kit.events import Event
from kit.graphql import AllowList, GraphQLServer
from kit.settings import load
from kit.testing.principals import FakeTokenVerifier
from kit.values import ACCOUNT, ORDER, utc_now
from kit.web.app import build_app
from kit.web.health import Readiness

USER = Principal(uuid4(), Role.USER, uuid4())
OTHER = Principal(uuid4(), Role.USER, uuid4())
SUBSCRIBE = "subscription($id: ID!) { orderUpdated(id: $id) { id status version } }"


class Listening:
    """The servers, and the order behind them."""

    def __init__(self, peers: Peers, recorder: Recorder, tokens: FakeTokenVerifier, orders: OrderRpc) -> None:
        self.recorder, self.tokens, self.orders = recorder, tokens, orders
        self.updates = OrderUpdates()
        self.order_id = ORDER.format(ORDER.new())
        self._peers = peers
        self._servers: list[GraphQLServer] = []

    def app(self, environment: Mapping[str, str] | None = None, *, allowed: AllowList | None = None) -> Any:
        """The application of another server with settings of its own."""
        settings = load(Settings, {"PROFILE": "development", **(environment or {})})
        server = make_server(
            settings,
            self._peers,
            self.tokens,
            updates=self.updates,
            introspection=False,
            allowed_documents=allowed,
        )
        self._servers.append(server)
        return build_app(server.routes, Readiness([]), raw_asgi_routes=server.http)

    def token(self, principal: Principal = USER) -> str:
        return self.tokens.token(principal).token

    def end(self) -> None:
        """Shuts every replica down."""
        for server in self._servers:
            server.close_connections()

    def changes(self, version: int, status: str) -> None:
        """Changes the order and wakes its subscriptions."""
        self.orders.stands(self.order_id, ACCOUNT.format(USER.account_id), version, status)
        self.updates.on_order_event([self.order_id])

    def payment_waits(self, order_id: str) -> None:
        """The payment of an order waits for its buyer."""
        body = PaymentActionRequired(payment=Payment(order_id=order_id))
        event = Event(uuid4(), body.DESCRIPTOR.full_name, "pay_1", utc_now(), body, "", {})
        self.updates.on_payment_event(event)


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    """With an order that is PENDING."""
    recorder, tokens = Recorder(), FakeTokenVerifier()
    servicers = [make(recorder) for make in SERVICES]
    async with standing_in(servicers, tokens) as peers:
        [orders] = [servicer for servicer in servicers if isinstance(servicer, OrderRpc)]
        world = Listening(peers, recorder, tokens, orders)
        world.changes(1, "PENDING")
        yield world


@pytest.fixture
async def world() -> AsyncIterator[Listening]:
    async with listening() as world:
        yield world
