"""A stub of the catalog's StockService."""

from datetime import timedelta
from typing import Any

from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import stock_service_pb2 as catalog_pb

from kit.rpc import Call
from kit.values import PRODUCT, VARIANT, Money, SoldId, money_to_proto, timestamp_to_proto, utc_now


class StockRpc:
    """Reserves everything at 9.99 USD and records the requests; `rejection` is raised instead."""

    service = catalog_pb.DESCRIPTOR.services_by_name["StockService"]

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.rejection: Exception | None = None
        self.expire_time = utc_now() + timedelta(minutes=15)
        self.commits_to = catalog_pb.RESERVATION_STATE_COMMITTED

    async def price_lines(self, request: Any, call: Call) -> catalog_pb.PriceLinesResponse:
        self.requests.append(request)
        variants = [
            catalog_pb.SellableVariant(
                requested_id=requested,
                found=True,
                product_id=requested.replace("var_", "prod_"),
                variant_id=requested.replace("prod_", "var_"),
                name="Mug",
                unit_price=money_to_proto(Money(999, "USD")),
                tax_class="standard",
                requires_shipping=True,
            )
            for requested in request.ids
        ]
        return catalog_pb.PriceLinesResponse(variants=variants)

    async def reserve_stock(self, request: Any, call: Call) -> catalog_pb.ReserveStockResponse:
        self.requests.append(request)
        if self.rejection:
            raise self.rejection
        priced = [_priced(line) for line in request.lines]
        return catalog_pb.ReserveStockResponse(
            lines=priced,
            state=catalog_pb.RESERVATION_STATE_HELD,
            expire_time=timestamp_to_proto(self.expire_time),
        )

    async def commit_stock(self, request: Any, call: Call) -> catalog_pb.CommitStockResponse:
        return catalog_pb.CommitStockResponse(state=self.commits_to)

    async def release_stock(self, request: Any, call: Call) -> catalog_pb.ReleaseStockResponse:
        return catalog_pb.ReleaseStockResponse(state=catalog_pb.RESERVATION_STATE_RETURNED)


def _priced(line: Any) -> catalog_pb.PricedLine:
    """A product is sold as it is, a variant is red."""
    sold = SoldId.parse(line.product_id)
    return catalog_pb.PricedLine(
        product_id=PRODUCT.format(sold.variant_id),
        name="Mug",
        unit_price=money_to_proto(Money(999, "USD")),
        quantity=line.quantity,
        variant_id=VARIANT.format(sold.variant_id),
        sku="" if sold.by_product else "MUG-R",
        options=[] if sold.by_product else [product_pb2.OptionValue(name="Color", value="red")],
    )
