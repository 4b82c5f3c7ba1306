"""The catalog's StockService over gRPC: pb <-> domain. `carts` and `quotes` read prices, `placing` reserves, `orders` commits."""

from collections.abc import Sequence
from uuid import UUID

from souk.account.v1 import guest_service_pb2 as guests
from souk.catalog.v1 import stock_service_pb2 as pb

from kit.errors import SoukError, Violation
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import ACCOUNT, ORDER, PRODUCT, VARIANT, Money, SoldId, money_from_proto, timestamp_from_proto
from order.carts.domain import Sellable, Unsellable
from order.lines.domain import Line, OptionValue
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder
from order.placing.ports import Reservation
from order.pricing.charges import PricedItem
from order.quotes.ports import QuoteRequest

_STATES = {
    pb.RESERVATION_STATE_UNSPECIFIED: StockState.NONE,
    pb.RESERVATION_STATE_HELD: StockState.HELD,
    pb.RESERVATION_STATE_COMMITTED: StockState.COMMITTED,
    pb.RESERVATION_STATE_RELEASED: StockState.RELEASED,
    pb.RESERVATION_STATE_RETURNED: StockState.RETURNED,
}


class Catalog(Peer):
    """`orders.ports.Stock`, `placing.ports.Reservations`, `quotes.ports.Prices` and `carts.ports.Prices`."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["StockService"], identity)

    async def price_lines(self, request: QuoteRequest) -> tuple[str, list[PricedItem]] | None:
        """The lines at the catalog's current prices; None if one of them cannot be ordered, or if their currencies differ."""
        variants = await self.price(_sold_ids(request))
        sold = [variant for variant in variants if isinstance(variant, Sellable)]
        if len(sold) < len(variants) or len({variant.price.currency for variant in sold}) > 1:
            return None
        items = [
            PricedItem(
                unit_price=variant.price.minor,
                quantity=quantity,
                tax_class=variant.tax_class,
                weight_grams=variant.weight_grams,
                requires_shipping=variant.requires_shipping,
            )
            for variant, quantity in zip(sold, request.quantities.values(), strict=True)
        ]
        return sold[0].price.currency, items

    async def reserve(
        self, order_id: UUID, command: PlaceOrder, list_price: Money | None = None
    ) -> Reservation:
        """Reserves all products or none; errors name the lines of the caller's request."""
        lines = [
            pb.ReserveStockRequest.Line(
                product_id=sold.format(), quantity=command.quantities[sold.variant_id]
            )
            for sold in _sold_ids(command)
        ]
        request = pb.ReserveStockRequest(
            order_id=ORDER.format(order_id),
            lines=lines,
            expected_total=list_price.text() if list_price else command.expected_total,
            limits_judged=list_price is not None,
        )
        try:
            response = await self._call("ReserveStock", request, pb.ReserveStockResponse)
        except SoukError as rejection:
            rejection.fields = tuple(_to_client_line(fault, command) for fault in rejection.fields)
            raise
        return Reservation(
            state=_STATES[response.state],
            lines=tuple(map(_line, response.lines)),
            expire_time=timestamp_from_proto(response.expire_time),
            # A replica of the release before this field never sends it; what it reserved for a rejected order expires.
            created=response.created,
        )

    async def price(self, ids: Sequence[SoldId]) -> Sequence[Sellable | Unsellable]:
        """What is sold under each id, without reserving anything."""
        request = pb.PriceLinesRequest(ids=[sold.format() for sold in ids])
        response = await self._call("PriceLines", request, pb.PriceLinesResponse)
        return [_sellable(variant) for variant in response.variants]

    async def commit(self, order_id: UUID) -> StockState:
        """Turns a held reservation into a sale."""
        request = pb.CommitStockRequest(order_id=ORDER.format(order_id))
        return _STATES[(await self._call("CommitStock", request, pb.CommitStockResponse)).state]

    async def release(self, order_id: UUID) -> StockState:
        """Returns the stock of a reservation."""
        request = pb.ReleaseStockRequest(order_id=ORDER.format(order_id))
        return _STATES[(await self._call("ReleaseStock", request, pb.ReleaseStockResponse)).state]


def _sold_ids(request: QuoteRequest) -> list[SoldId]:
    return [SoldId(variant_id, variant_id in request.by_product) for variant_id in request.quantities]


def _line(line: pb.PricedLine) -> Line:
    return Line(
        PRODUCT.parse(line.product_id),
        line.name,
        money_from_proto(line.unit_price),
        line.quantity,
        # A replica of the release before variants sends none.
        variant_id=VARIANT.parse(line.variant_id) if line.variant_id else None,
        sku=line.sku,
        options=tuple(OptionValue(option.name, option.value) for option in line.options),
    )


def _to_client_line(fault: Violation, command: PlaceOrder) -> Violation:
    """The catalog's index counts products; the caller's counts lines, of which a product may have several."""
    match fault.path:
        case ("products", int(index), *rest) if index < len(command.first_lines):
            return Violation(("products", command.first_lines[index], *rest), fault.message)
    return fault


def _sellable(variant: pb.SellableVariant) -> Sellable | Unsellable:
    if not variant.found:
        return Unsellable.UNKNOWN
    if variant.variant_required:
        return Unsellable.HAS_OPTIONS
    return Sellable(
        product_id=PRODUCT.parse(variant.product_id),
        variant_id=VARIANT.parse(variant.variant_id),
        name=variant.name,
        price=money_from_proto(variant.unit_price),
        tax_class=variant.tax_class,
        weight_grams=variant.weight_grams,
        requires_shipping=variant.requires_shipping,
        max_per_order=variant.max_per_order if variant.HasField("max_per_order") else None,
        free=variant.free if variant.HasField("free") else None,
    )


class Guests(Peer):
    """The account service's GuestService: `cart_moves.ports.Guests`."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, guests.DESCRIPTOR.services_by_name["GuestService"], identity)

    async def merge(self, guest_token: str) -> UUID:
        """MergeGuest, as the caller."""
        request = guests.MergeGuestRequest(guest_token=guest_token)
        return ACCOUNT.parse((await self._call("MergeGuest", request, guests.MergeGuestResponse)).guest_id)
