"""The gRPC edge of VariantService on a server in this process. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import variant_service_pb2 as pb

from catalog.products.tests.fakes import FakeProductStore
from catalog.rpc import VariantServiceRpc
from catalog.stock.tests.fakes import FakeStockStore
from catalog.variant_changes.rpc import VariantChangesRpc
from catalog.variant_changes.tests.world import World
from catalog.variants.rpc import VariantReadsRpc
from catalog.variants.tests.fakes import FakeVariantStore
from kit.auth import Principal
from kit.db.fake import FakeDatabase
from kit.errors import Aborted, AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin, customer
from kit.values import PRODUCT, VARIANT, Money, encode_cursor, money_to_proto

Declared = pb.SetVariantsRequest.Declared
Path = tuple[str | int, ...]


@dataclass
class Edge:
    """Calls to a running server as an admin, as a customer, or anonymously."""

    channel: Channel
    world: World
    admins: FakeAdminVerifier
    admin: Principal
    customer: Principal

    async def call(self, caller: Principal | None, method: str, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channel.call(method, request(**fields), response)

    async def shirt(self, **fields: Any) -> str:
        """A product with the variants S, of which there are 5, and M."""
        product_id = PRODUCT.format(await self.world.product(name="Shirt"))
        await self.declare(product_id, declared("S", stock=5), declared("M", minor=1200), **fields)
        return product_id

    async def declare(self, product_id: str, *variants: Declared, **fields: Any) -> product_pb2.Product:
        options = [product_pb2.ProductOption(name="Size", values=["S", "M"])]
        fields = {"product_id": product_id, "options": options, "variants": variants, **fields}
        product: product_pb2.Product = (await self.call(self.admin, "SetVariants", **fields)).product
        return product

    async def ids(self, product_id: str) -> list[str]:
        page = await self.call(None, "ListVariants", product_id=product_id)
        return [entry.variant.id for entry in page.entries]


def declared(size: str, minor: int = 1000, **fields: Any) -> Declared:
    options = [product_pb2.OptionValue(name="Size", value=size)] if size else []
    return Declared(
        options=options, price=money_to_proto(Money(minor, "USD")), requires_shipping=True, **fields
    )


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    products, stock, tokens, admins = (
        FakeProductStore(),
        FakeStockStore(),
        FakeTokenVerifier(),
        FakeAdminVerifier(),
    )
    world = World(FakeDatabase(), products, stock, FakeVariantStore(products, stock))
    changes = VariantChangesRpc(world.changes, world.products, admins)
    server = Server(
        [VariantServiceRpc(VariantReadsRpc(world.variants), changes)],
        host="127.0.0.1",
        port=0,
        verifier=tokens,
    )
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", VariantServiceRpc.service)
    await channel.open()
    boss, buyer = tokens.token(admin()), tokens.token(customer())
    yield Edge(channel, world, admins, boss, buyer)
    await channel.close()
    await server.stop(0)


async def test_set_variants_returns_the_product_with_the_sum_of_the_stock(edge: Edge) -> None:
    product_id = PRODUCT.format(await edge.world.product())
    product = await edge.declare(
        product_id, declared("S", stock=5), declared("M", stock=2), expected_version=1
    )
    assert (product.version, product.stock, product.available) == (2, 7, True)
    assert [(option.name, list(option.values)) for option in product.options] == [("Size", ["S", "M"])]


@pytest.mark.parametrize(
    ("variants", "reason", "path"),
    [
        ([declared("L")], "OPTIONS_MISMATCH", ("variants", 0, "options")),
        ([declared("S"), declared("s")], "DUPLICATE_OPTIONS", ("variants", 1, "options")),
        ([declared("S", minor=0)], "INVALID_ARGUMENT", ("variants", 0, "price")),
        ([declared("S", id="prod_1")], "INVALID_ID", ("variants", 0, "id")),
        ([declared("S", sku=" ")], "INVALID_ARGUMENT", ("variants", 0, "sku")),
        ([declared("S", max_per_order=0)], "INVALID_ARGUMENT", ("variants", 0, "maxPerOrder")),
        ([declared("S")] * 2049, "TOO_MANY_VARIANTS", ("variants",)),
    ],
)
async def test_set_variants_names_what_is_wrong(
    edge: Edge, variants: list[Declared], reason: str, path: Path
) -> None:
    product_id = PRODUCT.format(await edge.world.product())
    with pytest.raises(InvalidArgument) as error:
        await edge.declare(product_id, *variants)
    assert (error.value.reason, [violation.path for violation in error.value.fields]) == (reason, [path])


async def test_set_variants_rejects_a_taken_sku_a_stale_version_and_an_unknown_product(edge: Edge) -> None:
    product_id = PRODUCT.format(await edge.world.product())
    await edge.world.product(sku="A")
    with pytest.raises(AlreadyExists):
        await edge.declare(product_id, declared("S", sku="a"))
    with pytest.raises(Aborted) as error:
        await edge.declare(product_id, declared("S"), expected_version=7)
    assert error.value.details["version"] == 1
    with pytest.raises(NotFound):
        await edge.declare(PRODUCT.format(PRODUCT.new()), declared("S"))


async def test_update_variant_changes_the_given_fields(edge: Edge) -> None:
    [small, _] = await edge.ids(await edge.shirt())
    updated = await edge.call(
        edge.admin,
        "UpdateVariant",
        variant_id=small,
        compare_at_price=money_to_proto(Money(2000, "USD")),
        weight_grams=250,
        requires_shipping=False,
        expected_version=2,
    )
    variant = updated.variant
    assert (variant.weight_grams, variant.requires_shipping, variant.stock) == (250, False, 5)
    assert (variant.price, variant.compare_at_price) == (
        money_to_proto(Money(1000, "USD")),
        money_to_proto(Money(2000, "USD")),
    )
    with pytest.raises(Aborted):
        await edge.call(edge.admin, "UpdateVariant", variant_id=small, sku="A", expected_version=2)


async def test_get_variant_shows_the_stock_to_an_admin_only(edge: Edge) -> None:
    product_id = await edge.shirt()
    [small, _] = await edge.ids(product_id)
    for caller, stock in ((edge.admin, 5), (edge.customer, None), (None, None)):
        variant = (await edge.call(caller, "GetVariant", variant_id=small)).variant
        assert (variant.product_id, variant.available) == (product_id, True)
        assert (variant.stock if variant.HasField("stock") else None) == stock
    with pytest.raises(NotFound) as error:
        await edge.call(None, "GetVariant", variant_id=VARIANT.format(VARIANT.new()))
    assert error.value.reason == "VARIANT_NOT_FOUND"


async def test_batch_get_variants_omits_unknown_ones(edge: Edge) -> None:
    ids = await edge.ids(await edge.shirt())
    response = await edge.call(None, "BatchGetVariants", variant_ids=[*ids, VARIANT.format(VARIANT.new())])
    assert {variant.id for variant in response.variants} == set(ids)


async def test_list_variants_has_pages_and_a_filter(edge: Edge) -> None:
    product_id = await edge.shirt()
    first = await edge.call(None, "ListVariants", product_id=product_id, page_size=1, count_total=True)
    assert (len(first.entries), first.has_next_page, first.total_count) == (1, True, 2)
    cursor = first.entries[0].cursor
    second = await edge.call(None, "ListVariants", product_id=product_id, page_token=cursor)
    assert (len(second.entries), second.has_next_page, second.HasField("total_count")) == (1, False, False)
    medium = [product_pb2.OptionValue(name="size", value="m")]
    filtered = await edge.call(None, "ListVariants", product_id=product_id, options=medium)
    assert [entry.variant.id for entry in filtered.entries] == [second.entries[0].variant.id]
    for token in (filtered.entries[0].cursor, "x", encode_cursor("variants", [0, ""])):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(None, "ListVariants", product_id=product_id, page_token=token)
        assert [violation.path for violation in error.value.fields] == [("after",)]
    with pytest.raises(InvalidArgument):
        await edge.call(None, "ListVariants", product_id=product_id, options=[*medium, *medium])
    with pytest.raises(NotFound):
        await edge.call(None, "ListVariants", product_id=PRODUCT.format(PRODUCT.new()))


async def test_batch_list_variants_has_a_page_for_each_product(edge: Edge) -> None:
    shirt, mug = await edge.shirt(), PRODUCT.format(await edge.world.product())
    unknown = PRODUCT.format(PRODUCT.new())
    pages = (await edge.call(None, "BatchListVariants", product_ids=[mug, unknown, shirt])).pages
    assert [len(page.entries) for page in pages] == [1, 0, 2]
    with pytest.raises(InvalidArgument):
        await edge.call(None, "BatchListVariants", product_ids=[mug, mug])


@pytest.mark.parametrize("method", ["SetVariants", "UpdateVariant"])
async def test_only_an_admin_changes_variants(edge: Edge, method: str) -> None:
    mug = await edge.world.product()
    fields: dict[str, Any] = (
        {"product_id": PRODUCT.format(mug), "variants": [declared("")]}
        if method == "SetVariants"
        else {"variant_id": VARIANT.format(mug), "weight_grams": 1}
    )
    with pytest.raises(PermissionDenied):
        await edge.call(edge.customer, method, **fields)
    with pytest.raises(Unauthenticated):
        await edge.call(None, method, **fields)
    edge.admins.demoted.add(edge.admin.account_id)
    with pytest.raises(PermissionDenied):
        await edge.call(edge.admin, method, **fields)
