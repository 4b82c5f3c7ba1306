"""The gRPC edge of ProductService on a server in this process: authorization, mapping and rejections. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.rpc import CategoriesRpc
from catalog.categories.use_cases import Categories
from catalog.products.rpc import ProductsRpc
from catalog.products.tests.fakes import FakeCache, FakeProductStore
from catalog.products.use_cases import Products
from catalog.rpc import ProductRpc
from catalog.search.domain import Criteria, Sort
from catalog.search.rpc import SearchRpc
from catalog.search.tests.fakes import FakeIndexReader
from catalog.search.use_cases import ProductSearch
from catalog.stock.rpc import StockRpc
from catalog.stock.tests.fakes import FakeStockStore
from catalog.stock.use_cases import Stock
from kit.auth import Principal
from kit.db.fake import FakeDatabase
from kit.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin, customer
from kit.values import ORDER, PRODUCT, Money, encode_cursor, money_to_proto

PRICE = money_to_proto(Money(999, "USD"))
Path = tuple[str | int, ...]


@dataclass
class Edge:
    """Calls to a running server as an admin, as a customer, or anonymously."""

    channel: Channel
    store: FakeProductStore
    stock: FakeStockStore
    search: FakeIndexReader
    admins: FakeAdminVerifier
    clock: FakeClock
    admin: Principal
    customer: Principal

    async def call(self, caller: Principal | None, method: str, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channel.call(method, request(**fields), response)

    async def create(self, name: str = "Mug", **fields: Any) -> product_pb2.Product:
        fields = {"name": name, "description": "Steel", "price": PRICE, **fields}
        created: product_pb2.Product = (await self.call(self.admin, "CreateProduct", **fields)).product
        self.clock.advance(seconds=1)
        return created

    async def get(self, caller: Principal | None, product_id: str) -> product_pb2.Product:
        product: product_pb2.Product = (await self.call(caller, "GetProduct", product_id=product_id)).product
        return product

    async def violations(self, method: str, **fields: Any) -> list[Path]:
        with pytest.raises(InvalidArgument) as error:
            await self.call(self.admin, method, **fields)
        return [violation.path for violation in error.value.fields]


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock, tokens = FakeClock(), FakeTokenVerifier()
    db: Any = FakeDatabase()
    store, search, admins = FakeProductStore(), FakeIndexReader(), FakeAdminVerifier()
    stock = FakeStockStore()
    products = Products(db, store, stock, FakeCache(store), clock=clock)
    servicer = ProductRpc(
        ProductsRpc(products, admins),
        CategoriesRpc(Categories(store)),
        StockRpc(Stock(db, stock, store, clock=clock), admins),
        SearchRpc(ProductSearch(search, products)),
    )
    server = Server([servicer], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", ProductRpc.service)
    await channel.open()
    boss, buyer = tokens.token(admin()), tokens.token(customer())
    yield Edge(channel, store, stock, search, admins, clock, boss, buyer)
    await channel.close()
    await server.stop(0)


async def test_create_product_returns_all_fields(edge: Edge) -> None:
    images = ["https://cdn.test/mug.png"]

    product = await edge.create("Mug", sku="MUG-1", category="Kitchen & Home", image_urls=images, stock=5)

    assert product.id.startswith("prod_")
    assert (product.name, product.description, product.sku, list(product.image_urls)) == (
        "Mug",
        "Steel",
        "MUG-1",
        images,
    )
    assert (product.category.slug, product.category.name) == ("kitchen-home", "Kitchen & Home")
    assert (product.price, product.stock, product.available, product.version) == (PRICE, 5, True, 1)
    assert product.create_time == product.update_time
    assert product.create_time.seconds


async def test_create_product_returns_no_stock_if_it_is_not_tracked(edge: Edge) -> None:
    product = await edge.create()

    assert (product.HasField("stock"), product.available) == (False, True)
    assert (await edge.create(stock=0)).HasField("stock")


async def test_create_product_reports_all_violations(edge: Edge) -> None:
    fields: dict[str, Any] = {"name": "", "price": PRICE, "sku": "s" * 65, "stock": -1, "image_urls": ["x"]}

    assert await edge.violations("CreateProduct", **fields) == [
        ("name",),
        ("sku",),
        ("images", 0),
        ("stock",),
    ]


@pytest.mark.parametrize(
    "price",
    [
        {},
        {"currency_code": "XXX", "units": 1},
        {"currency_code": "USD"},
        {"currency_code": "USD", "units": -1},
        {"currency_code": "USD", "nanos": 1_000_000},
        {"currency_code": "JPY", "units": 1, "nanos": 500_000_000},
        {"currency_code": "USD", "units": 10_000_000_000},
        {"currency_code": "USD", "units": 2**62},
    ],
)
async def test_create_product_rejects_invalid_prices(edge: Edge, price: dict[str, Any]) -> None:
    assert await edge.violations("CreateProduct", name="Mug", price=price) == [("price",)]


async def test_create_product_rejects_a_taken_sku(edge: Edge) -> None:
    await edge.create(sku="MUG-1")

    with pytest.raises(AlreadyExists) as error:
        await edge.create("Cup", sku="MUG-1")
    assert error.value.reason == "SKU_TAKEN"


async def test_get_product_returns_the_quantity_to_an_admin_only(edge: Edge) -> None:
    product_id = (await edge.create(stock=5)).id

    for caller in (None, edge.customer):
        product = await edge.get(caller, product_id)
        assert (product.name, product.available, product.HasField("stock")) == ("Mug", True, False)
    assert (await edge.get(edge.admin, product_id)).stock == 5


async def test_get_product_returns_availability_to_every_caller(edge: Edge) -> None:
    product_id = (await edge.create(stock=0)).id

    assert not (await edge.get(None, product_id)).available


async def test_get_product_of_an_unknown_id_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound) as error:
        await edge.get(None, PRODUCT.format(PRODUCT.new()))
    assert error.value.reason == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize("product_id", ["", "prod_", "7", "prod_" + "z" * 26, ORDER.format(ORDER.new())])
@pytest.mark.parametrize("method", ["GetProduct", "UpdateProduct", "DeleteProduct"])
async def test_an_invalid_product_id_is_rejected(edge: Edge, method: str, product_id: str) -> None:
    assert await edge.violations(method, product_id=product_id) == [("id",)]


async def test_batch_get_products_omits_unknown_products(edge: Edge) -> None:
    ids = [(await edge.create(name, stock=5)).id for name in ("Mug", "Cup")]
    unknown = PRODUCT.format(PRODUCT.new())

    products = (
        await edge.call(edge.customer, "BatchGetProducts", product_ids=[*ids, unknown, ids[0]])
    ).products

    assert sorted(product.id for product in products) == sorted(ids)
    assert not any(product.HasField("stock") for product in products)
    products = (await edge.call(edge.admin, "BatchGetProducts", product_ids=ids)).products
    assert [product.stock for product in products] == [5, 5]


async def test_batch_get_products_accepts_up_to_100_product_ids(edge: Edge) -> None:
    ids = [PRODUCT.format(PRODUCT.new()) for _ in range(101)]

    assert not (await edge.call(None, "BatchGetProducts", product_ids=ids[:100])).products
    assert not (await edge.call(None, "BatchGetProducts")).products
    assert await edge.violations("BatchGetProducts", product_ids=ids) == [("product_ids",)]
    assert await edge.violations("BatchGetProducts", product_ids=[ids[0], "7"]) == [("product_ids", 1)]


async def test_list_products_returns_pages_newest_first(edge: Edge) -> None:
    names = [(await edge.create(str(number), stock=number)).name for number in range(5)]

    first = await edge.call(None, "ListProducts", page_size=3)
    second = await edge.call(edge.admin, "ListProducts", page_size=3, page_token=first.next_page_token)

    assert [product.name for page in (first, second) for product in page.products] == names[::-1]
    assert second.next_page_token == ""
    assert [product.HasField("stock") for product in [*first.products, *second.products]] == [False] * 3 + [
        True
    ] * 2


@pytest.mark.parametrize("size", [-1, 101])
@pytest.mark.parametrize("method", ["ListProducts", "SearchProducts"])
async def test_a_page_has_between_1_and_100_products(edge: Edge, method: str, size: int) -> None:
    assert await edge.violations(method, page_size=size) == [("first",)]


@pytest.mark.parametrize(
    "token",
    [
        "%",
        "x" * 2000,
        encode_cursor("something else", ["2026-01-01T00:00:00+00:00", PRODUCT.new().hex]),
        encode_cursor("products newest", []),
        encode_cursor("products newest", ["yesterday", "7"]),
        encode_cursor("products newest", ["0001-01-01T00:00:00+14:00", PRODUCT.new().hex]),
        encode_cursor("products newest", [1, 2]),
    ],
)
async def test_list_products_rejects_invalid_cursors(edge: Edge, token: str) -> None:
    await edge.create()

    assert await edge.violations("ListProducts", page_token=token) == [("after",)]


async def test_search_products_parses_all_criteria(edge: Edge) -> None:
    await edge.call(
        None,
        "SearchProducts",
        query="  mug ",
        categories=["b", "a", "b"],
        min_price=PRICE,
        max_price=PRICE,
        available=False,
        sort=pb.PRODUCT_SORT_PRICE_ASC,
        page_size=7,
        page_token="here",
        count_total=True,
    )

    price = Money(999, "USD")
    assert edge.search.searches == [
        Criteria("mug", ("a", "b"), price, price, False, Sort.PRICE_ASC, 7, "here", True)
    ]


async def test_search_products_filters_by_a_currency_alone_or_with_bounds_in_it(edge: Edge) -> None:
    await edge.call(None, "SearchProducts", currency="JPY")
    await edge.call(None, "SearchProducts", currency="USD", min_price=PRICE)

    assert [criteria.currency for criteria in edge.search.searches] == ["JPY", "USD"]


@pytest.mark.parametrize("currency", ["XXX", "usd", " "])
async def test_search_products_rejects_an_unknown_currency(edge: Edge, currency: str) -> None:
    assert await edge.violations("SearchProducts", currency=currency) == [("filter", "price", "currency")]


async def test_search_products_rejects_bounds_in_another_currency(edge: Edge) -> None:
    assert await edge.violations("SearchProducts", currency="EUR", max_price=PRICE) == [
        ("filter", "price", "currency")
    ]


async def test_search_products_has_defaults_for_all_criteria(edge: Edge) -> None:
    await edge.call(None, "SearchProducts")

    assert edge.search.searches == [Criteria("", None, None, None, None, Sort.RELEVANCE, 20, "", False)]


async def test_search_products_returns_hits_with_cursors_and_stock_for_an_admin(edge: Edge) -> None:
    for name in ("Mug", "Cup"):
        product = await edge.create(name, stock=5)
        edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    page = await edge.call(edge.customer, "SearchProducts", page_size=1)

    assert [(hit.product.name, hit.cursor) for hit in page.hits] == [("Mug", "after Mug")]
    assert (page.has_next_page, page.HasField("total_count")) == (True, False)
    assert not page.hits[0].product.HasField("stock")
    page = await edge.call(edge.admin, "SearchProducts")
    assert [hit.product.stock for hit in page.hits] == [5, 5]


async def test_search_products_returns_total_facets_and_highlights_on_request(edge: Edge) -> None:
    product = await edge.create("Mug")
    edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    page = await edge.call(None, "SearchProducts", count_facets=True, highlight=True, count_total=True)

    assert [hit.highlight for hit in page.hits] == ["<em>Mug</em>"]
    facets = {facet.name: [(value.value, value.count) for value in facet.values] for facet in page.facets}
    assert (facets, page.total_count) == ({"availability": [("available", 1)]}, 1)
    plain = await edge.call(None, "SearchProducts")
    assert (plain.hits[0].highlight, list(plain.facets)) == ("", [])


async def test_suggest_products_completes_a_prefix(edge: Edge) -> None:
    for name in ("Mug", "Mug Rack", "Cup"):
        product = await edge.create(name)
        edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    assert (await edge.call(None, "SuggestProducts", prefix=" M")).suggestions == ["Mug", "Mug Rack"]
    assert (await edge.call(None, "SuggestProducts", prefix="M", page_size=1)).suggestions == ["Mug"]
    assert (await edge.call(None, "SuggestProducts", prefix=" ")).suggestions == []


async def test_suggest_products_rejects_invalid_requests(edge: Edge) -> None:
    assert await edge.violations("SuggestProducts", prefix="p" * 201, page_size=101) == [
        ("prefix",),
        ("first",),
    ]


@pytest.mark.parametrize("sort", pb.ProductSort.keys())
async def test_search_products_accepts_every_sort_of_the_contract(edge: Edge, sort: str) -> None:
    await edge.call(None, "SearchProducts", sort=pb.ProductSort.Value(sort))

    expected = Sort.RELEVANCE if sort.endswith("UNSPECIFIED") else Sort(sort.removeprefix("PRODUCT_SORT_"))
    assert edge.search.searches[0].sort is expected


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"query": "q" * 201}, ("query",)),
        ({"query": "mug\0"}, ("query",)),
        ({"sort": 99}, ("sort",)),
        ({"categories": ["c"] * 101}, ("filter", "categories")),
        ({"categories": ["a", "c" * 101]}, ("filter", "categories", 1)),
        ({"categories": ["c" * 40_000]}, ("filter", "categories", 0)),
        ({"min_price": {"currency_code": "USD", "units": -1}}, ("filter", "price")),
        ({"min_price": {"currency_code": "XXX"}}, ("filter", "price", "min")),
        ({"max_price": {"currency_code": "USD", "nanos": 1}}, ("filter", "price", "max")),
        (
            {"min_price": PRICE, "max_price": money_to_proto(Money(998, "USD"))},
            ("filter", "price"),
        ),
        (
            {"min_price": PRICE, "max_price": money_to_proto(Money(999, "EUR"))},
            ("filter", "price"),
        ),
    ],
)
async def test_search_products_rejects_invalid_criteria(
    edge: Edge, fields: dict[str, Any], path: Path
) -> None:
    assert await edge.violations("SearchProducts", **fields) == [path]


async def test_update_product_changes_only_the_given_fields(edge: Edge) -> None:
    product = await edge.create(
        sku="MUG-1", category="Kitchen", image_urls=["https://cdn.test/m.png"], stock=5
    )

    cup = (await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name="Cup")).product

    expected = product_pb2.Product()
    expected.CopyFrom(product)
    expected.MergeFrom(product_pb2.Product(name="Cup", version=2, update_time=cup.update_time))
    assert cup == expected
    assert cup.update_time.seconds > product.update_time.seconds


async def test_update_product_clears_fields_given_empty(edge: Edge) -> None:
    product = await edge.create(sku="MUG-1", category="Kitchen", image_urls=["https://cdn.test/m.png"])

    fields: dict[str, Any] = {"sku": "", "category": "", "images": {"urls": []}, "description": ""}
    changed = (await edge.call(edge.admin, "UpdateProduct", product_id=product.id, **fields)).product

    assert (
        changed.sku,
        changed.HasField("category"),
        list(changed.image_urls),
        changed.description,
    ) == ("", False, [], "")


async def test_update_product_rejects_an_outdated_version_and_reports_the_current_one(edge: Edge) -> None:
    product = await edge.create()
    for name in ("Cup", "Pot"):
        await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name=name)

    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name="Jug", expected_version=1)
    assert (error.value.reason, error.value.details["version"]) == ("VERSION_CONFLICT", 3)


async def test_update_product_reports_violations(edge: Edge) -> None:
    product = await edge.create()
    invalid: dict[str, Any] = {"name": "", "images": {"urls": ["https://cdn.test/m.png", "x"]}}

    assert await edge.violations("UpdateProduct", product_id=product.id, **invalid) == [
        ("name",),
        ("images", 1),
    ]
    euro = money_to_proto(Money(999, "EUR"))
    assert await edge.violations("UpdateProduct", product_id=product.id, price=euro) == [("price",)]


async def test_delete_product_returns_the_product_and_then_it_is_not_found(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert (await edge.call(edge.admin, "DeleteProduct", product_id=product.id)).product == product
    for again in (
        edge.get(edge.admin, product.id),
        edge.call(edge.admin, "DeleteProduct", product_id=product.id),
    ):
        with pytest.raises(NotFound):
            await again


async def test_adjust_stock_applies_a_change_once_per_request_id(edge: Edge) -> None:
    product = await edge.create(stock=5)
    fields: dict[str, Any] = {
        "product_id": product.id,
        "delta": -2,
        "request_id": "monday",
        "reason": "broken",
    }

    first, again = [(await edge.call(edge.admin, "AdjustStock", **fields)).product for _ in range(2)]

    assert (first.stock, first.version, again) == (3, product.version, first)
    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "AdjustStock", **{**fields, "delta": -1})
    assert error.value.reason == "IDEMPOTENCY_CONFLICT"
    assert (await edge.get(edge.admin, product.id)).stock == 3


async def test_adjust_stock_does_not_use_up_the_request_id_of_a_rejected_change(
    edge: Edge,
) -> None:
    mug, pot = await edge.create(stock=5), await edge.create()

    for product, reason in ((mug, "INSUFFICIENT_STOCK"), (pot, "NOT_TRACKED")):
        with pytest.raises(FailedPrecondition) as error:
            await edge.call(edge.admin, "AdjustStock", product_id=product.id, delta=-6, request_id="monday")
        assert error.value.reason == reason
    await edge.call(edge.admin, "AdjustStock", product_id=mug.id, delta=-5, request_id="monday")
    assert not (await edge.get(None, mug.id)).available


async def test_adjust_stock_reports_all_violations(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert await edge.violations("AdjustStock", product_id=product.id, delta=2**40, reason="r" * 501) == [
        ("delta",),
        ("reason",),
        ("idempotencyKey",),
    ]
    assert await edge.violations("AdjustStock", product_id="7", request_id="monday") == [("productId",)]


async def test_set_stock_sets_the_quantity_or_stops_tracking(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert (
        await edge.call(edge.admin, "SetStock", product_id=product.id, stock=0, expected=5)
    ).product.stock == 0
    stopped = (await edge.call(edge.admin, "SetStock", product_id=product.id)).product
    assert (stopped.HasField("stock"), stopped.available, stopped.version) == (False, True, product.version)
    assert (await edge.call(edge.admin, "SetStock", product_id=product.id, stock=9)).product.stock == 9


async def test_set_stock_rejects_unexpected_stock_and_reports_the_current_one(edge: Edge) -> None:
    product = await edge.create(stock=5)

    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "SetStock", product_id=product.id, stock=9, expected=4)
    assert (error.value.reason, error.value.details["stock"]) == ("VERSION_CONFLICT", 5)
    assert await edge.violations("SetStock", product_id=product.id, stock=-1, expected=-1) == [
        ("stock",),
        ("expected",),
    ]


@pytest.mark.parametrize("method", ["AdjustStock", "SetStock"])
async def test_the_stock_of_an_unknown_product_is_not_found(edge: Edge, method: str) -> None:
    deleted = await edge.create(stock=5)
    await edge.call(edge.admin, "DeleteProduct", product_id=deleted.id)
    fields = {"request_id": "monday"} if method == "AdjustStock" else {}

    for product_id in (deleted.id, PRODUCT.format(PRODUCT.new())):
        with pytest.raises(NotFound):
            await edge.call(edge.admin, method, product_id=product_id, **fields)


async def test_list_categories_returns_them_by_name(edge: Edge) -> None:
    for category in ("Kitchen", "Garden", "kitchen"):
        await edge.create(category=category)

    categories = (await edge.call(None, "ListCategories")).categories

    assert [(category.slug, category.name, category.product_count) for category in categories] == [
        ("garden", "Garden", 1),
        ("kitchen", "Kitchen", 2),
    ]
    assert all(category.id.startswith("cat_") for category in categories)


@pytest.mark.parametrize(
    "method", ["CreateProduct", "UpdateProduct", "DeleteProduct", "AdjustStock", "SetStock"]
)
async def test_only_an_admin_can_change_the_catalog(edge: Edge, method: str) -> None:
    with pytest.raises(Unauthenticated):
        await edge.call(None, method)
    with pytest.raises(PermissionDenied):
        await edge.call(edge.customer, method)


async def test_a_former_admin_with_a_valid_token_changes_nothing(edge: Edge) -> None:
    product_id = (await edge.create(stock=5)).id
    edge.admins.demoted.add(edge.admin.account_id)
    fields: dict[str, dict[str, Any]] = {
        "CreateProduct": {"name": "Cup", "price": PRICE},
        "UpdateProduct": {"product_id": product_id, "name": "Cup"},
        "DeleteProduct": {"product_id": product_id},
        "AdjustStock": {"product_id": product_id, "delta": 1, "request_id": "monday"},
        "SetStock": {"product_id": product_id, "stock": 9},
    }

    for method, request in fields.items():
        with pytest.raises(PermissionDenied):
            await edge.call(edge.admin, method, **request)
    [product] = (await edge.call(None, "ListProducts")).products
    assert (product.name, product.version) == ("Mug", 1)
    assert edge.stock.free_stock[PRODUCT.parse(product_id)] == 5
