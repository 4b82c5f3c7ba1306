"""Which rates and methods apply: places, times, classes and bands."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from order.pricing.allocation import allocate
from order.pricing.charges import PricedItem
from order.pricing.discounts import Discount, DiscountClass, Reward
from order.pricing.places import Destination, Place
from order.pricing.quote import Problem, Quote, price
from order.pricing.rules import Band, Basis, Combine, Measure, Method, Rules, TaxRate, Terms, Zone
from order.pricing.shipping import NotOffered

NOW = datetime(2026, 11, 30, tzinfo=UTC)
POST = UUID(int=7)
MUG = PricedItem(1000, 1, weight_grams=300)


def quote(
    rules: Rules,
    destination: Destination,
    *items: PricedItem,
    method: UUID | None = None,
    now: datetime = NOW,
) -> Quote:
    return price(items or (MUG,), rules, destination, method, currency="USD", now=now)


def names(rates: list[TaxRate], destination: Destination, tax_class: str = "standard") -> list[str]:
    item = PricedItem(1000, 1, tax_class)
    return [tax.rate.name for tax in quote(Rules.of(Terms(), rates), destination, item).lines[0].taxes]


def shop(*bands: Band, places: tuple[Place, ...] = (Place("US"),)) -> Rules:
    return Rules.of(Terms(), zones=[Zone(UUID(int=1), "home", places, (Method(POST, "post", bands),))])


US = [
    TaxRate(Place("US", "CA"), "state", 60_000),
    TaxRate(Place("US", "CA", "900"), "county", 12_500),
    TaxRate(Place("US", "NY"), "state of New York", 40_000),
]


def test_rates_of_a_region_and_of_postal_codes_are_charged_beside_each_other() -> None:
    assert names(US, Destination.of("us", "ca", "900 11")) == ["state", "county"]
    assert names(US, Destination.of("US", "US-CA", "95814")) == ["state"]
    assert names(US, Destination("US", "NY", "90011")) == ["state of New York"]


def test_a_replacing_rate_drops_those_of_more_general_places() -> None:
    rates = [
        TaxRate(Place("ES"), "IVA", 210_000),
        TaxRate(Place("ES", postal_prefix="35"), "IGIC", 70_000, combine=Combine.REPLACE),
    ]

    assert names(rates, Destination("ES", "", "35001")) == ["IGIC"]
    assert names(rates, Destination("ES", "", "28001")) == ["IVA"]


def test_a_class_without_rates_has_those_of_standard() -> None:
    rates = [TaxRate(Place("DE"), "19", 190_000), TaxRate(Place("DE"), "7", 70_000, "reduced")]

    assert names(rates, Destination("DE"), "reduced") == ["7"]
    assert names(rates, Destination("DE"), "toys") == ["19"]


def test_a_country_without_rates_has_no_tax() -> None:
    assert names(US, Destination("FR")) == []


def test_a_rate_ends_when_its_successor_starts() -> None:
    change = NOW + timedelta(hours=1)
    rules = Rules.of(
        Terms(),
        [
            TaxRate(Place("CH"), "7.7", 77_000, valid_until=change),
            TaxRate(Place("CH"), "8.1", 81_000, valid_from=change),
        ],
    )

    before = quote(rules, Destination("CH"), now=change - timedelta(microseconds=1))
    after = quote(rules, Destination("CH"), now=change)

    assert (before.tax, after.tax) == (77, 81)


def test_a_zero_rate_keeps_its_reason() -> None:
    rules = Rules.of(Terms(), [TaxRate(Place("GB"), "export", 0, reason="export")])

    [tax] = quote(rules, Destination("GB")).taxes

    assert (tax.rate.reason, tax.taxable, tax.amount) == ("export", 1000, 0)


@pytest.mark.parametrize(
    ("destination", "known"),
    [
        (Destination("US", "CA"), True),
        (Destination("US", ""), False),
        (Destination("US", "CALIFORNIA"), False),
        (Destination("CH", ""), True),
    ],
)
def test_where_rates_are_about_regions_the_region_has_to_be_known(
    destination: Destination, known: bool
) -> None:
    problems = quote(Rules.of(Terms(), US), destination).problems

    assert (Problem.REGION_UNKNOWN not in problems) == known


def test_another_region_is_fine_where_the_country_has_a_rate_too() -> None:
    rules = Rules.of(Terms(), [TaxRate(Place("ES"), "IVA", 1), TaxRate(Place("ES", "CN"), "IGIC", 1)])

    assert quote(rules, Destination("ES", "MADRID")).problems == ()
    assert quote(rules, Destination("ES")).problems == (Problem.REGION_UNKNOWN,)


def test_the_regions_of_zones_matter_to_what_is_shipped_only() -> None:
    rules = shop(Band("USD", 700), places=(Place("US"), Place("US", "HI")))
    download = PricedItem(1000, 1, requires_shipping=False)

    assert quote(rules, Destination("US"), method=POST).problems == (Problem.REGION_UNKNOWN,)
    assert quote(rules, Destination("US", "OR"), method=POST).problems == ()
    assert quote(rules, Destination("US"), download).problems == ()


@pytest.mark.parametrize(
    ("subtotal", "expected"),
    [(1999, 700), (2000, 500), (4999, 500), (5000, 0), (1_000_000, 0)],
)
def test_a_band_starts_at_its_lower_end_and_stops_before_its_upper_end(subtotal: int, expected: int) -> None:
    rules = shop(Band("USD", 700, 0, 2000), Band("USD", 500, 2000, 5000), Band("USD", 0, 5000))

    [offer] = quote(rules, Destination("US"), PricedItem(subtotal, 1)).offers

    assert offer.price == expected


@pytest.mark.parametrize(
    ("band", "item", "reason"),
    [
        (Band("EUR", 700), MUG, NotOffered.NO_RATE),
        (Band("USD", 700, 1001), MUG, NotOffered.SUBTOTAL_TOO_LOW),
        (Band("USD", 700, 0, 1000), MUG, NotOffered.SUBTOTAL_TOO_HIGH),
        (Band("USD", 700, 0, 300, Measure.WEIGHT), MUG, NotOffered.TOO_HEAVY),
        (Band("USD", 700, 301, None, Measure.WEIGHT), MUG, NotOffered.TOO_LIGHT),
    ],
)
def test_a_method_without_a_band_is_not_offered_for_a_reason(
    band: Band, item: PricedItem, reason: NotOffered
) -> None:
    result = quote(shop(band), Destination("US"), item, method=POST)

    assert [(offer.price, offer.reason) for offer in result.offers] == [(None, reason)]
    assert result.problems == (Problem.METHOD_GONE, Problem.NOT_DELIVERED_THERE)
    assert result.shipping is None


def test_a_band_is_about_the_subtotal_after_discounts_unless_it_is_said_to_be_before() -> None:
    def bands(basis: Basis) -> Rules:
        return shop(Band("USD", 700, 0, 1000, basis=basis), Band("USD", 0, 1000, basis=basis))

    off = Discount("off", DiscountClass.ORDER, Reward.AMOUNT, 1)
    prices = [
        price([MUG], bands(basis), Destination("US"), POST, [off], currency="USD", now=NOW).offers[0].price
        for basis in (Basis.AFTER_DISCOUNTS, Basis.BEFORE_DISCOUNTS)
    ]

    assert prices == [700, 0]


def test_the_zone_of_the_most_specific_place_counts_alone() -> None:
    def zone(number: int, *places: Place) -> Zone:
        return Zone(
            UUID(int=number), str(number), places, (Method(UUID(int=number), str(number), (Band("USD", 1),)),)
        )

    rules = Rules.of(
        Terms(),
        zones=[
            zone(1, Place("US"), Place("CH")),
            zone(2, Place("US", "HI")),
            zone(3, Place("US", "", "9")),
            zone(4, Place("US", "HI", "96")),
        ],
    )
    where = {
        "1": Destination("US", "NY", "10001"),
        "2": Destination("US", "HI", "12345"),
        "3": Destination("US", "HI", "99999"),
        "4": Destination("US", "HI", "96701"),
    }

    chosen = {name: quote(rules, place).offers[0].method.name for name, place in where.items()}

    assert chosen == {name: name for name in where}
    assert quote(rules, Destination("FR")).problems == (Problem.NOT_DELIVERED_THERE,)


def test_a_method_is_needed_once_there_is_one_and_something_to_ship() -> None:
    rules = shop(Band("USD", 700))
    download = PricedItem(1000, 1, requires_shipping=False)

    assert quote(rules, Destination("US")).problems == (Problem.METHOD_MISSING,)
    assert quote(rules, Destination("US"), method=UUID(int=8)).problems == (Problem.METHOD_GONE,)
    assert quote(rules, Destination("")).problems == (Problem.ADDRESS_MISSING,)
    assert quote(rules, Destination("US"), download).problems == ()
    assert quote(rules, Destination("US"), download, method=POST).total == 1000
    assert quote(Rules(), Destination("")).problems == ()


def test_without_rules_an_order_costs_its_goods() -> None:
    result = quote(Rules(), Destination("US"), PricedItem(999, 3), MUG)

    assert not Rules().change_prices
    assert (result.subtotal, result.tax, result.total) == (3997, 0, 3997)


def test_an_amount_without_weights_is_an_error() -> None:
    assert allocate(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="weight"):
        allocate(1, [0, 0])
