"""TaxService and ShippingService on a server in this process, with PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.order.v1 import shipping_service_pb2 as shipping_pb
from souk.order.v1 import tax_service_pb2 as tax_pb

from kit.auth import Principal
from kit.db import Database, Migrations
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin
from kit.values import Money, money_to_proto
from order.orders.events import TOPIC
from order.pricing.rules import Terms
from order.rules.snapshot import PricingRules
from order.rules.store import PostgresRulesStore
from order.shipping.rpc import ShippingRpc
from order.shipping.store import PostgresZoneStore
from order.shipping.use_cases import Shipping
from order.taxes.rpc import TaxRpc
from order.taxes.store import PostgresTaxStore
from order.taxes.use_cases import Taxes

POST_ID = "method_00000000000000000000000007"


@dataclass
class RulesEdge:
    """A client of a running server; calls are an ADMIN's unless a caller is given."""

    taxes: Channel
    shipping: Channel
    tokens: FakeTokenVerifier
    admins: FakeAdminVerifier
    rules: PricingRules
    db: Database
    operator: Principal

    async def tax(self, method: str, request: Any, response: Any, caller: Principal | None = None) -> Any:
        with acting_as(self._signed(caller)):
            return await self.taxes.call(method, request, response)

    async def ship(self, method: str, request: Any, response: Any, caller: Principal | None = None) -> Any:
        with acting_as(self._signed(caller)):
            return await self.shipping.call(method, request, response)

    async def set_rates(
        self, *rates: tax_pb.TaxRate, country: str = "CH", expected: int | None = None
    ) -> tax_pb.CountryTaxes:
        request = tax_pb.SetTaxRatesRequest(country_code=country, rates=rates, expected_version=expected)
        response: tax_pb.SetTaxRatesResponse = await self.tax(
            "SetTaxRates", request, tax_pb.SetTaxRatesResponse
        )
        return response.taxes

    async def set_zone(
        self, zone: shipping_pb.ShippingZone, expected: int | None = None
    ) -> shipping_pb.ShippingZone:
        request = shipping_pb.SetShippingZoneRequest(zone=zone, expected_version=expected)
        response: shipping_pb.SetShippingZoneResponse = await self.ship(
            "SetShippingZone", request, shipping_pb.SetShippingZoneResponse
        )
        return response.zone

    async def revision(self) -> int:
        return await PostgresRulesStore(self.db).revision()

    async def audited(self) -> list[str]:
        rows = await self.db.fetch("SELECT key FROM outbox WHERE topic = 'souk.audit.v1' ORDER BY id")
        return [row["key"] for row in rows]

    def _signed(self, caller: Principal | None) -> Principal:
        return self.tokens.token(caller or self.operator)


def band(price: int = 700, **fields: Any) -> shipping_pb.ShippingBand:
    return shipping_pb.ShippingBand(price=money_to_proto(Money(price, "USD")), **fields)


def zone(*bands: shipping_pb.ShippingBand, country: str = "US", **fields: Any) -> shipping_pb.ShippingZone:
    """A zone of one country with one method."""
    method = shipping_pb.ShippingMethod(name="post", bands=bands or [band()])
    place = shipping_pb.ShippingPlace(country_code=country)
    return shipping_pb.ShippingZone(**{"name": "home", "places": [place], "methods": [method], **fields})


@pytest.fixture
async def rules_edge(database_url: str) -> AsyncIterator[RulesEdge]:
    await Migrations("order").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    tokens, admins = FakeTokenVerifier(), FakeAdminVerifier()
    rules = PricingRules(PostgresRulesStore(db), Terms(prices_include_tax=True, home_country="CH"))
    await rules.open()
    tax_rpc = TaxRpc(Taxes(db, PostgresTaxStore(db)), admins)
    shipping_rpc = ShippingRpc(Shipping(db, PostgresZoneStore(db), rules), admins)
    server = Server([tax_rpc, shipping_rpc], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channels = [
        Channel(f"127.0.0.1:{server.port}", service) for service in (tax_rpc.service, shipping_rpc.service)
    ]
    for channel in channels:
        await channel.open()
    yield RulesEdge(channels[0], channels[1], tokens, admins, rules, db, admin())
    for channel in channels:
        await channel.close()
    await server.stop(0)
    await db.close()
