"""Development logins and the catalogue, made through the services' own interfaces; what is there already is left alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from souk.account.v1 import account_service_pb2 as account_pb
from souk.catalog.v1 import product_service_pb2 as catalog_pb

from dev.catalogue import Article, articles
from dev.parts import Runnable, run_command
from dev.ports import Ports
from kit.auth import Principal, Role
from kit.errors import AlreadyExists, DeadlineExceeded, Unavailable
from kit.identity import Identity
from kit.rpc import Call, Channel, current_call
from kit.values import ACCOUNT, SESSION, Money, money_to_proto

T = TypeVar("T")

# Role, email, name, password: for development only; no other profile seeds anything.
LOGINS = (
    ("ADMIN", "admin@souk.test", "Ada Admin", "AdminPass123!"),
    ("USER", "john@souk.test", "John Doe", "UserPass123!"),
)
_ACCOUNTS = account_pb.DESCRIPTOR.services_by_name["AccountService"]
_PRODUCTS = catalog_pb.DESCRIPTOR.services_by_name["ProductService"]
_AT_ONCE = 16
_PATIENCE_SECONDS = 60.0
_STEP = 200


def seed(
    ports: Ports,
    account: Runnable,
    *,
    products: int,
    say: Callable[[str], None],
    identity: Identity | None = None,
) -> None:
    """Makes what is missing; may be interrupted and repeated, since each product has a sku of its own.

    `identity` is the gateway's, where services require one.
    """
    # One loop for all: gRPC shares connections within a process, and they belong to the loop that made them.
    asyncio.run(_seed(ports, account, articles(products), say, identity))


async def _seed(
    ports: Ports,
    account: Runnable,
    wanted: Sequence[Article],
    say: Callable[[str], None],
    identity: Identity | None,
) -> None:
    await _register(ports, identity)
    done = await asyncio.to_thread(run_command, account, "grant_admin", LOGINS[0][1], seconds=60)
    if done.returncode:
        raise RuntimeError(f"grant_admin failed:\n{done.stdout}")
    await _stock(ports, wanted, say, identity)


async def _register(ports: Ports, identity: Identity | None) -> None:
    channel = _account(ports, identity)
    await channel.open()
    for _, email, name, password in LOGINS:
        request = account_pb.RegisterRequest(name=name, email=email, password=password)
        try:
            await _patiently(lambda: channel.call("Register", request, account_pb.RegisterResponse))  # noqa: B023
        except AlreadyExists:
            # Seeded by an earlier start.
            continue
    await channel.close()


async def _stock(
    ports: Ports, wanted: Sequence[Article], say: Callable[[str], None], identity: Identity | None
) -> None:
    accounts = _account(ports, identity)
    catalog = Channel(f"127.0.0.1:{ports.catalog_grpc}", _PRODUCTS, identity)
    await accounts.open()
    await catalog.open()
    _, email, _, password = LOGINS[0]
    request = account_pb.LoginRequest(email=email, password=password)
    signed_in = await _patiently(lambda: accounts.call("Login", request, account_pb.LoginResponse))
    admin = Principal(
        ACCOUNT.parse(signed_in.account.id), Role.ADMIN, SESSION.new(), signed_in.tokens.access_token
    )
    # Channels pass the token of the call that is being answered on.
    current_call.set(Call(principal=admin))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def create(article: Article) -> bool:
        async with gate:
            try:
                await _patiently(
                    lambda: catalog.call(
                        "CreateProduct", _creation(article), catalog_pb.CreateProductResponse
                    )
                )
            except AlreadyExists:
                return False
            return True

    made = 0
    for start in range(0, len(wanted), _STEP):
        outcomes = await asyncio.gather(*map(create, wanted[start : start + _STEP]))
        made += sum(outcomes)
        if made:
            say(f"{made} products")
    await catalog.close()
    await accounts.close()


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeats what a service that has just started cannot answer yet; on a busy machine a password takes its time."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except (Unavailable, DeadlineExceeded):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.5)


def _account(ports: Ports, identity: Identity | None) -> Channel:
    return Channel(f"127.0.0.1:{ports.account_grpc}", _ACCOUNTS, identity)


def _creation(article: Article) -> catalog_pb.CreateProductRequest:
    request = catalog_pb.CreateProductRequest(
        name=article.name,
        description=article.description,
        price=money_to_proto(Money(article.price, "USD")),
        sku=article.sku,
        category=article.category,
    )
    if article.stock is not None:
        request.stock = article.stock
    return request
