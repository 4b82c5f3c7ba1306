"""The contract's messages <-> the domain, for every edge. Rules of inputs are the domain's; nothing is decided here."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from souk.catalog.v1 import product_pb2 as pb
from souk.catalog.v1 import product_service_pb2 as service
from souk.catalog.v1 import stock_service_pb2 as stock

from catalog.domain import Category, Changes, Draft, Product, Shown
from catalog.ports import Criteria, Facet, Sort
from catalog.stock_domain import Reservation, ReservationState, StockChange, StockCount, Want, Wish
from kit.errors import InvalidArgument, Violation
from kit.values import (
    CATEGORY,
    CURRENCIES,
    ORDER,
    PRODUCT,
    FieldReader,
    Money,
    money_from_proto,
    money_to_proto,
    timestamp_from_proto,
    timestamp_to_proto,
)

_SUGGESTIONS = 10
_QUERY_MOST = 200
_CATEGORIES_MOST = 100
_CATEGORY_MOST = 100
_SORT = "PRODUCT_SORT_"
_STATE = "RESERVATION_STATE_"
# As many products as are looked at again and again; one takes about 2 KB.
_REMEMBERED = 8192


def draft_from_proto(request: service.CreateProductRequest) -> Draft:
    """Raises InvalidArgument with every fault."""
    return Draft.read(
        name=request.name,
        description=request.description,
        price=money_from_proto(request.price, "price"),
        sku=request.sku,
        category=request.category,
        image_urls=request.image_urls,
        stock=request.stock if request.HasField("stock") else None,
    )


def changes_from_proto(request: service.UpdateProductRequest) -> Changes:
    """Raises InvalidArgument with every fault."""
    return Changes.read(
        name=request.name if request.HasField("name") else None,
        description=request.description if request.HasField("description") else None,
        price=money_from_proto(request.price, "price") if request.HasField("price") else None,
        sku=request.sku if request.HasField("sku") else None,
        category=request.category if request.HasField("category") else None,
        image_urls=request.images.urls if request.HasField("images") else None,
    )


def stock_change_from_proto(request: service.AdjustStockRequest) -> StockChange:
    """Raises InvalidArgument with every fault."""
    product_id = PRODUCT.parse(request.product_id, "productId")
    return StockChange.read(product_id, request.delta, request.reason, request.request_id)


def stock_count_from_proto(request: service.SetStockRequest) -> StockCount:
    """Raises InvalidArgument with every fault."""
    return StockCount.read(
        PRODUCT.parse(request.product_id, "productId"),
        request.stock if request.HasField("stock") else None,
        request.expected if request.HasField("expected") else None,
        request.reason,
    )


def prefix_from_proto(request: service.SuggestProductsRequest) -> tuple[str, int]:
    """What was typed so far, and how many suggestions are wanted; raises InvalidArgument with every fault."""
    given = FieldReader()
    prefix = given.text(request.prefix, "prefix", max_length=_QUERY_MOST)
    size = given.page_size(request.page_size, "first", default=_SUGGESTIONS)
    given.raise_if_invalid()
    return prefix, size


def facet_to_proto(facet: Facet) -> service.Facet:
    """A facet."""
    values = [service.FacetValue(value=each.value, count=each.count) for each in facet.values]
    return service.Facet(name=facet.name, values=values)


def criteria_from_proto(request: service.SearchProductsRequest) -> Criteria:
    """Reads what is searched for; raises InvalidArgument with every fault."""
    given = FieldReader()
    prices = [
        money_from_proto(getattr(request, field), "filter", "price", name)
        if request.HasField(field)
        else None
        for field, name in (("min_price", "min"), ("max_price", "max"))
    ]
    known = [price for price in prices if price is not None]
    given.require(all(price.minor >= 0 for price in known), "must not be negative", "filter", "price")
    given.require(
        len(known) < 2 or (known[0].currency == known[1].currency and known[0].minor <= known[1].minor),
        "min must not exceed max, in one currency",
        "filter",
        "price",
    )
    _check_currency(given, request.currency, known)
    filtered = request.HasField("category_filter")
    categories = request.category_filter.values if filtered else request.categories
    given.require(
        len(categories) <= _CATEGORIES_MOST,
        f"must name at most {_CATEGORIES_MOST}",
        "filter",
        "categories",
    )
    for number, category in enumerate(categories[:_CATEGORIES_MOST]):
        given.text(category, "filter", "categories", number, max_length=_CATEGORY_MOST)
    criteria = Criteria(
        query=given.text(request.query, "query", max_length=_QUERY_MOST),
        categories=tuple(sorted(set(categories))) if filtered or categories else None,
        least=prices[0],
        most=prices[1],
        available=request.available if request.HasField("available") else None,
        sort=_sort(given, request.sort),
        size=given.page_size(request.page_size, "first"),
        after=request.page_token,
        count=request.count_total,
        facets=request.count_facets,
        highlight=request.highlight,
        currency=request.currency,
    )
    given.raise_if_invalid()
    return criteria


def _check_currency(given: FieldReader, code: str, bounds: list[Money]) -> None:
    path = ("filter", "price", "currency")
    given.require(not code or code in CURRENCIES, f"must be one of {', '.join(sorted(CURRENCIES))}", *path)
    same = all(bound.currency == code for bound in bounds)
    given.require(not code or same, "must be the currency of min and max", *path)


def _sort(given: FieldReader, number: int) -> Sort:
    name = service.ProductSort.Name(number) if number in service.ProductSort.values() else ""
    if number == service.PRODUCT_SORT_UNSPECIFIED:
        return Sort.RELEVANCE
    given.require(bool(name), "must be a known sort", "sort")
    return Sort(name.removeprefix(_SORT)) if name else Sort.RELEVANCE


def wish_from_proto(request: stock.ReserveStockRequest) -> Wish:
    """Reads what an order wants; raises InvalidArgument with every fault."""
    return Wish.read(
        ORDER.parse(request.order_id, "order_id"),
        [
            Want(PRODUCT.parse(line.product_id, "products", at, "id"), line.quantity)
            for at, line in enumerate(request.lines)
        ],
        _decimal(request.expected_total, "expectedTotal"),
    )


def _decimal(text: str, path: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        rule = "must be a decimal number, such as 999.99"
        raise InvalidArgument(f"{path}: {rule}", fields=[Violation((path,), rule)])
    return value


def reservation_to_proto(reservation: Reservation) -> stock.ReserveStockResponse:
    """A reservation as the order service sees it; one that ended holds no lines."""
    state = reservation.state
    return stock.ReserveStockResponse(
        lines=[
            stock.PricedLine(
                product_id=PRODUCT.format(line.product_id),
                name=line.name,
                unit_price=money_to_proto(line.unit_price),
                quantity=line.quantity,
            )
            for line in (reservation.lines if state.has_stock else ())
        ],
        state=state_to_proto(state),
        expire_time=timestamp_to_proto(reservation.expire_time),
    )


def state_to_proto(state: ReservationState | None) -> str:
    """A reservation's state by its name in the contract; None: there is no reservation."""
    return _STATE + (state or "UNSPECIFIED")


def shown_to_proto(shown: Shown, *, with_stock: bool) -> pb.Product:
    """A product as its readers see it; how much is in stock is for ADMIN."""
    message = pb.Product()
    message.CopyFrom(product_to_proto(shown.product))
    message.available = shown.available
    if with_stock and shown.stock is not None:
        message.stock = shown.stock
    return message


@lru_cache(_REMEMBERED)
def product_to_proto(product: Product) -> pb.Product:
    """A product without its stock. Not to be changed: the same message is answered again."""
    return pb.Product(
        id=PRODUCT.format(product.id),
        name=product.name,
        description=product.description,
        price=money_to_proto(product.price),
        sku=product.sku,
        category=category_to_proto(product.category) if product.category else None,
        image_urls=product.image_urls,
        version=product.version,
        create_time=timestamp_to_proto(product.create_time),
        update_time=timestamp_to_proto(product.update_time),
    )


def category_to_proto(category: Category, count: int | None = None) -> pb.Category:
    """A category, with how many products it has when that was counted."""
    return pb.Category(
        id=CATEGORY.format(category.id), slug=category.slug, name=category.name, product_count=count
    )


def encode_product(product: Product) -> bytes:
    """A product as the cache and the index keep it."""
    return product_to_proto(product).SerializeToString()


@lru_cache(_REMEMBERED)
def decode_product(encoded: bytes) -> Product:
    """What `encode_product` made."""
    message = pb.Product.FromString(encoded)
    price: Money = money_from_proto(message.price, "price")
    return Product(
        id=PRODUCT.parse(message.id, "id"),
        name=message.name,
        description=message.description,
        price=price,
        sku=message.sku,
        category=_category(message.category) if message.HasField("category") else None,
        image_urls=tuple(message.image_urls),
        version=message.version,
        create_time=timestamp_from_proto(message.create_time),
        update_time=timestamp_from_proto(message.update_time),
    )


def _category(message: pb.Category) -> Category:
    return Category(CATEGORY.parse(message.id, "id"), message.slug, message.name)
