"""Declaring shipping zones, and what an address is offered. Orders that are placed keep their method's name and price."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.events import AdminActed
from kit.values import SHIPPING_METHOD, SHIPPING_ZONE, Page
from order.pricing.places import Destination
from order.pricing.rules import Method, Zone
from order.pricing.shipping import zone_of
from order.rules.domain import check_version
from order.shipping.domain import StoredZone, require_no_overlap
from order.shipping.errors import ShippingZoneNotFound
from order.shipping.ports import RulesReader, ZoneStore


@dataclass(frozen=True, slots=True)
class ShopSummary:
    """What a storefront has to know; without delivery countries, orders go everywhere and need no method."""

    prices_include_tax: bool
    delivery_countries: tuple[str, ...]


class Shipping:
    """The use cases of shipping zones."""

    def __init__(self, db: Database, store: ZoneStore, rules: RulesReader) -> None:
        self._db = db
        self._store = store
        self._rules = rules

    async def page(self, after: tuple[str, UUID] | None, size: int, *, count: bool) -> Page[StoredZone]:
        """A page of zones, by name; `count` adds their total."""
        page = await self._store.page(after, size)
        return replace(page, total=await self._store.count()) if count else page

    async def methods(self, destination: Destination) -> Sequence[Method]:
        """The methods of an address."""
        zone = zone_of((await self._rules.newest()).rules, destination)
        return zone.methods if zone else ()

    async def shop(self) -> ShopSummary:
        """What a storefront has to know."""
        rules = (await self._rules.newest()).rules
        countries = {
            place.country
            for place, zone in rules.zones.items()
            if any(method.bands for method in zone.methods)
        }
        return ShopSummary(rules.terms.prices_include_tax, tuple(sorted(countries)))

    @retry_on_contention
    async def set_zone(
        self,
        caller: Principal,
        zone: Zone,
        *,
        is_new: bool,
        expected_version: int | None,
        address: str = "",
    ) -> StoredZone:
        """Adds a zone, or declares everything about one.

        Raises RateOverlap, PlaceTaken, ShippingZoneNotFound, ShippingZoneLimit, RulesConflict.
        """
        require_no_overlap(zone)
        async with self._db.transaction() as tx:
            current = await self._store.lock(tx, zone.id)
            if current is None and not is_new:
                raise ShippingZoneNotFound()
            version = current.version if current else 0
            check_version(expected_version, version)
            stored = StoredZone(_with_known_ids(zone, current), version + 1)
            await self._store.save(tx, stored)
            await tx.emit(_acted(caller, "order.set_shipping_zone", zone.id, address))
        return stored

    @retry_on_contention
    async def delete_zone(
        self, caller: Principal, zone_id: UUID, *, expected_version: int | None, address: str = ""
    ) -> None:
        """Deletes a zone with its methods; raises ShippingZoneNotFound, RulesConflict."""
        async with self._db.transaction() as tx:
            current = await self._store.lock(tx, zone_id)
            if current is None:
                raise ShippingZoneNotFound()
            check_version(expected_version, current.version)
            await self._store.delete(tx, zone_id)
            await tx.emit(_acted(caller, "order.delete_shipping_zone", zone_id, address))


def _with_known_ids(zone: Zone, current: StoredZone | None) -> Zone:
    """A method whose id the zone does not have is a new one: its id would otherwise be the client's choice."""
    known = {method.id for method in current.zone.methods} if current else set()
    methods = tuple(
        method if method.id in known else replace(method, id=SHIPPING_METHOD.new()) for method in zone.methods
    )
    return replace(zone, methods=methods)


def _acted(caller: Principal, action: str, zone_id: UUID, address: str) -> AdminActed:
    return AdminActed.by(caller, action, SHIPPING_ZONE.format(zone_id), address)
