"""Everything the gateway is made of: the composition root."""

from collections.abc import Sequence
from pathlib import Path

from gateway.admission import Admission
from gateway.collection import collection
from gateway.context import Context
from gateway.development import development_routes
from gateway.execution import Executor
from gateway.limits import Limits
from gateway.listeners import Listeners
from gateway.order_updates import OrderUpdates
from gateway.peers import Accounts, Catalog, Notifications, Orders, Payments, Peers
from gateway.persisted import AllowList, Persisted
from gateway.playground import playground_routes
from gateway.rates import Rates
from gateway.redis_line import RedisLine
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.web import PATH, GraphQL
from gateway.websocket import Sockets
from kit.auth import Principal, TokenVerifier
from kit.auth.verifier import jwks_fetcher
from kit.cache import Cache
from kit.events import TopicWatcher
from kit.identity import identity_from_settings
from kit.service import Resource, Service


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet. No peer is required: what is away nulls its own fields only."""
    identity = identity_from_settings(settings)
    peers = Peers(
        account=Accounts(settings.account_address, identity),
        catalog=Catalog(settings.catalog_address, identity),
        order=Orders(settings.order_address, identity),
        payment=Payments(settings.payment_address, identity),
        notification=Notifications(settings.notification_address, identity),
    )
    verifier = TokenVerifier(jwks_fetcher(settings.jwks_url))
    schema = build_schema()
    executor = Executor(
        schema,
        Limits.of(settings),
        introspection=settings.introspection,
        suggestions=settings.suggestions,
    )
    rates = Rates(RedisLine(settings.redis_url), settings)
    documents = Cache(settings.redis_url, "gateway:document")
    allowed = AllowList.read(Path(settings.allowed_documents)) if settings.allowed_documents else None
    admission = Admission(executor, rates, Persisted(documents, allowed))
    updates = OrderUpdates()
    tail = TopicWatcher("souk.order.v1", settings.kafka_bootstrap, updates.changed)

    def context(principal: Principal | None) -> Context:
        return Context(peers, principal, updates)

    listeners = Listeners(settings.max_account_listeners, verifier)
    graphql = GraphQL(settings, executor, context, verifier, rates, admission, listeners)
    sockets = Sockets(settings, executor, context, verifier, admission, listeners)
    playground = playground_routes(settings) if settings.playground else []

    async def print_schema(words: Sequence[str]) -> None:
        print(schema.as_str())

    async def print_collection(words: Sequence[str]) -> None:
        print(collection(schema._schema))

    held: list[Resource] = [
        peers.account,
        peers.catalog,
        peers.order,
        peers.payment,
        peers.notification,
        rates,
        documents,
    ]
    return Service(
        name="gateway",
        settings=settings,
        resources=[*held, verifier],
        optional=[*held, verifier],
        routes=[sockets.route(), *playground, *development_routes(settings)],
        raw_asgi_routes={PATH: graphql},
        jobs=[tail],
        commands={"schema": print_schema, "collection": print_collection},
        verifier=verifier,
        on_drained=listeners.end,
    )
