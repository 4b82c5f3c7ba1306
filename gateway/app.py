"""Everything the gateway is made of: the composition root."""

from collections.abc import Sequence
from datetime import timedelta

from souk.payment.v1.events_pb2 import PaymentActionRequired

from gateway.context import Context
from gateway.costs import COSTS
from gateway.development import page_routes
from gateway.order_updates import OrderUpdates
from gateway.peers import (
    Accounts,
    Addresses,
    Carts,
    Catalog,
    Guests,
    Notifications,
    Orders,
    Payments,
    Peers,
    SavedMethods,
    ShippingRules,
    TaxRules,
    Variants,
)
from gateway.resolvers import TEXTS, make_schema
from gateway.settings import Settings
from kit.auth import Principal, TokenVerifier
from kit.auth.verifier import jwks_fetcher
from kit.cache import Cache, PipelinedRedis
from kit.events import TopicReplayer, TopicWatcher
from kit.graphql import Api, GraphQLServer, Options, options_from_settings, postman_collection
from kit.graphql.rate_limits import RedisClient
from kit.identity import identity_from_settings
from kit.rpc import Verifier
from kit.service import Command, Resource, Service


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet. No peer is required: an unavailable one nulls its own fields only.

    At its start the gateway waits for all of them, so that the first request after a start of everything does not fail.
    """
    peers = _peers(settings)
    updates = OrderUpdates()
    verifier = TokenVerifier(jwks_fetcher(settings.jwks_url))
    server = graphql_server(
        options_from_settings(settings),
        peers,
        updates,
        verifier,
        PipelinedRedis(settings.redis_url),
        Cache(settings.redis_url, "gateway:document"),
    )
    resources: list[Resource] = [
        *peers.all(),
        *server.resources,
        verifier,
    ]
    return Service(
        name="gateway",
        settings=settings,
        resources=resources,
        optional=resources,
        awaited=[*peers.all(), verifier],
        awaited_for=settings.peers_awaited_seconds,
        routes=[*server.routes, *page_routes(settings)],
        raw_asgi_routes=server.http,
        jobs=[
            TopicWatcher("souk.order.v1", settings.kafka_bootstrap, updates.on_order_event),
            TopicReplayer(
                "souk.payment.v1",
                settings.kafka_bootstrap,
                PaymentActionRequired,
                updates.on_payment_event,
                lookback=timedelta(0),
            ),
        ],
        commands=_commands(),
        verifier=verifier,
        on_drained=server.close_connections,
    )


def graphql_server(
    options: Options,
    peers: Peers,
    updates: OrderUpdates,
    verifier: Verifier,
    redis: RedisClient,
    documents: Cache,
) -> GraphQLServer:
    """The public API over these services; the tests build it with fakes."""

    def context(principal: Principal | None) -> Context:
        return Context(peers, principal, updates)

    return GraphQLServer(Api(make_schema(), COSTS, TEXTS, context), options, verifier, redis, documents)


def _peers(settings: Settings) -> Peers:
    identity = identity_from_settings(settings)
    return Peers(
        account=Accounts(settings.account_address, identity),
        catalog=Catalog(settings.catalog_address, identity),
        order=Orders(settings.order_address, identity),
        payment=Payments(settings.payment_address, identity),
        notification=Notifications(settings.notification_address, identity),
        address=Addresses(settings.account_address, identity),
        guest=Guests(settings.account_address, identity),
        saved_method=SavedMethods(settings.payment_address, identity),
        tax=TaxRules(settings.order_address, identity),
        shipping=ShippingRules(settings.order_address, identity, settings.stripe_publishable_key),
        variant=Variants(settings.catalog_address, identity),
        cart=Carts(settings.order_address, identity),
    )


def _commands() -> dict[str, Command]:
    async def print_schema(args: Sequence[str]) -> None:
        print(make_schema().as_str())

    async def print_collection(args: Sequence[str]) -> None:
        print(postman_collection("Souk", make_schema()._schema))

    return {"schema": print_schema, "collection": print_collection}
