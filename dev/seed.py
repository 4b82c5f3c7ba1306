"""Creates the development logins, the catalogue and, for `make run`, variants, taxes and shipping; what exists is not changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from souk.account.v1 import account_service_pb2 as account_pb
from souk.catalog.v1 import product_service_pb2 as catalog_pb
from souk.catalog.v1 import variant_service_pb2

from dev.catalogue import Article, articles
from dev.components import Runnable, run_command
from dev.ports import Ports
from dev.rules import create_rules
from dev.variants import SERVICE as _VARIANTS
from dev.variants import variants_request
from kit.auth import Principal, Role
from kit.errors import AlreadyExists, DeadlineExceeded, Unavailable
from kit.identity import Identity
from kit.rpc import Call, Channel, current_call
from kit.values import ACCOUNT, SESSION, Money, money_to_proto

T = TypeVar("T")

# Label, email, name, password; only the development profile is seeded.
LOGINS = (
    ("ADMIN", "admin@souk.test", "Ada Admin", "AdminPass123!"),
    ("John", "john@souk.test", "John Doe", "UserPass123!"),
)
_ACCOUNTS = account_pb.DESCRIPTOR.services_by_name["AccountService"]
_PRODUCTS = catalog_pb.DESCRIPTOR.services_by_name["ProductService"]
_CONCURRENCY = 16
_STARTUP_SECONDS = 60.0
_PROGRESS_STEP = 200


def seed(
    ports: Ports,
    account: Runnable,
    *,
    products: int,
    report: Callable[[str], None],
    rules: bool = False,
    identity: Identity | None = None,
) -> None:
    """Creates what is missing; can be interrupted and repeated, because every product has a unique SKU.

    `rules`: taxes, shipping and variants too. `identity`: the gateway's certificate, if services require one.
    """
    # One event loop for everything: gRPC shares connections within a process, and they belong to the loop that opened them.
    asyncio.run(_seed(ports, account, articles(products), report, rules, identity))


async def _seed(
    ports: Ports,
    account: Runnable,
    products: Sequence[Article],
    report: Callable[[str], None],
    rules: bool,
    identity: Identity | None,
) -> None:
    await _register(ports, identity)
    result = await asyncio.to_thread(run_command, account, "grant_admin", LOGINS[0][1], seconds=60)
    if result.returncode:
        raise RuntimeError(f"grant_admin failed:\n{result.stdout}")
    await _sign_in(ports, identity)
    await _create_products(ports, products, report, identity, with_variants=rules)
    if rules:
        await create_rules(ports.order_grpc, identity)


async def _register(ports: Ports, identity: Identity | None) -> None:
    channel = _account_channel(ports, identity)
    await channel.open()
    for _, email, name, password in LOGINS:
        request = account_pb.RegisterRequest(name=name, email=email, password=password)
        try:
            await _retry_until_available(
                lambda: channel.call("Register", request, account_pb.RegisterResponse)  # noqa: B023
            )
        except AlreadyExists:
            # An earlier start has seeded it.
            continue
    await channel.close()


async def _sign_in(ports: Ports, identity: Identity | None) -> None:
    """As the ADMIN: channels forward the token of the current call."""
    accounts = _account_channel(ports, identity)
    await accounts.open()
    _, email, _, password = LOGINS[0]
    request = account_pb.LoginRequest(email=email, password=password)
    login = await _retry_until_available(lambda: accounts.call("Login", request, account_pb.LoginResponse))
    admin = Principal(ACCOUNT.parse(login.account.id), Role.ADMIN, SESSION.new(), login.tokens.access_token)
    current_call.set(Call(principal=admin))
    await accounts.close()


async def _create_products(
    ports: Ports,
    products: Sequence[Article],
    report: Callable[[str], None],
    identity: Identity | None,
    *,
    with_variants: bool,
) -> None:
    catalog, variants = (
        Channel(f"127.0.0.1:{ports.catalog_grpc}", service, identity) for service in (_PRODUCTS, _VARIANTS)
    )
    await catalog.open()
    await variants.open()
    semaphore = asyncio.Semaphore(_CONCURRENCY)

    async def create(article: Article) -> bool:
        async with semaphore:
            try:
                answer = await _retry_until_available(
                    lambda: catalog.call(
                        "CreateProduct", _create_request(article, ports), catalog_pb.CreateProductResponse
                    )
                )
            except AlreadyExists:
                return False
            request = variants_request(article, answer.product.id) if with_variants else None
            if request is not None:
                await _retry_until_available(
                    lambda: variants.call("SetVariants", request, variant_service_pb2.SetVariantsResponse)
                )
            return True

    created = 0
    for start in range(0, len(products), _PROGRESS_STEP):
        results = await asyncio.gather(*map(create, products[start : start + _PROGRESS_STEP]))
        created += sum(results)
        if created:
            report(f"{created} products")
    await variants.close()
    await catalog.close()


async def _retry_until_available(call: Callable[[], Awaitable[T]]) -> T:
    """Retries while the services start; on a busy machine hashing a password can exceed the deadline, too."""
    end = time.monotonic() + _STARTUP_SECONDS
    while True:
        try:
            return await call()
        except (Unavailable, DeadlineExceeded):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.5)


def _account_channel(ports: Ports, identity: Identity | None) -> Channel:
    return Channel(f"127.0.0.1:{ports.account_grpc}", _ACCOUNTS, identity)


def _create_request(article: Article, ports: Ports) -> catalog_pb.CreateProductRequest:
    request = catalog_pb.CreateProductRequest(
        name=article.name,
        description=article.description,
        price=money_to_proto(Money(article.price, "USD")),
        sku=article.sku,
        category=article.category,
        image_urls=[f"http://127.0.0.1:{ports.storefront}{article.picture}"],
    )
    if article.stock is not None:
        request.stock = article.stock
    return request
