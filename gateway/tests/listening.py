"""An order that changes, and both endpoints that tell of it, with services as their contracts say behind them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

from gateway.admission import Admission
from gateway.context import Context
from gateway.execution import Executor
from gateway.limits import Limits
from gateway.listeners import Listeners
from gateway.order_updates import OrderUpdates
from gateway.peers import Peers
from gateway.persisted import AllowList, Persisted
from gateway.rates import Rates
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.tests.fakes import SERVICES, OrderRpc, Recorder, standing_in
from gateway.tests.world import NOWHERE, Away
from gateway.web import PATH, GraphQL
from gateway.websocket import Sockets
from kit.auth import Principal, Role
from kit.cache import Cache
from kit.settings import load
from kit.testing.principals import FakeTokenVerifier
from kit.values import ACCOUNT, ORDER
from kit.web.app import build_app
from kit.web.health import Readiness

USER = Principal(uuid4(), Role.USER, uuid4())
OTHER = Principal(uuid4(), Role.USER, uuid4())
SUBSCRIBE = "subscription($id: ID!) { orderUpdated(id: $id) { id status version } }"


class Listening:
    """The endpoints and everything behind them."""

    def __init__(self, peers: Peers, recorder: Recorder, tokens: FakeTokenVerifier, orders: OrderRpc) -> None:
        self.recorder, self.tokens, self.orders = recorder, tokens, orders
        self.updates = OrderUpdates()
        self.order_id = ORDER.format(ORDER.new())
        self._peers = peers
        self._listeners: list[Listeners] = []

    def app(self, environment: Mapping[str, str] | None = None, *, allowed: AllowList | None = None) -> Any:
        """With settings of its own."""
        settings = load(Settings, {"PROFILE": "development", **(environment or {})})
        executor = Executor(build_schema(), Limits.of(settings), introspection=False, suggestions=False)
        verifier: Any = self.tokens
        rates = Rates(Away(), settings)
        persisted = Persisted(Cache(NOWHERE, "gateway:document"), allowed)
        admission = Admission(executor, rates, persisted)
        listeners = Listeners(settings.max_account_listeners, verifier)
        self._listeners.append(listeners)

        def context(who: Principal | None) -> Context:
            return Context(self._peers, who, self.updates)

        sockets = Sockets(settings, executor, context, verifier, admission, listeners)
        graphql = GraphQL(settings, executor, context, verifier, rates, admission, listeners)
        return build_app([sockets.route()], Readiness([]), raw_asgi_routes={PATH: graphql})

    def end(self) -> None:
        """Every replica is to end."""
        for listeners in self._listeners:
            listeners.end()

    def changes(self, version: int, status: str) -> None:
        """The order is another now, and everybody hears of it."""
        self.orders.stands(self.order_id, ACCOUNT.format(USER.account_id), version, status)
        self.updates.changed([self.order_id])


L = TypeVar("L", bound=Listening)


@asynccontextmanager
async def listening(kind: type[L]) -> AsyncIterator[L]:
    """One whose order is PENDING."""
    recorder, tokens = Recorder(), FakeTokenVerifier()
    servicers = [make(recorder) for make in SERVICES]
    async with standing_in(servicers, tokens) as peers:
        [orders] = [servicer for servicer in servicers if isinstance(servicer, OrderRpc)]
        world = kind(peers, recorder, tokens, orders)
        world.changes(1, "PENDING")
        yield world
