"""Rules of a shop that delivers within the United States and Switzerland."""

from uuid import UUID

from order.addresses.domain import Address
from order.pricing.places import Place
from order.pricing.rules import Band, Method, MethodKind, Rules, TaxRate, Terms, Treatment, Zone

POST = UUID(int=7)
PICKUP = UUID(int=8)
HOME = Address("John Doe", "Main Street 1", "", "Portland", "OR", "97201", "US")
ZURICH = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")
PARIS = Address("John Doe", "Rue de Rivoli 1", "", "Paris", "", "75001", "FR")


def taxed(ppm: int = 80_000) -> Rules:
    """8 % on top in the United States, and nothing elsewhere."""
    return Rules.of(Terms(), [TaxRate(Place("US"), "sales tax", ppm)])


def delivering(price: int = 500, ppm: int = 80_000) -> Rules:
    """With shipping in the United States, whose tax is the standard one, and a place where orders can be fetched."""
    post = Method(POST, "post", (Band("USD", price, 0, 5000), Band("USD", 0, 5000)))
    pickup = Method(PICKUP, "shop", (Band("USD", 0),), kind=MethodKind.PICKUP)
    zone = Zone(UUID(int=1), "home", (Place("US"),), (post, pickup))
    return Rules.of(Terms(home_country="US"), [TaxRate(Place("US"), "sales tax", ppm)], {}, [zone])


def replacing() -> Rules:
    """Prices include 8.1 % of Switzerland, which is replaced by 20 % in the United States."""
    rates = [TaxRate(Place("CH"), "MWST", 81_000), TaxRate(Place("US"), "sales tax", 200_000)]
    terms = Terms(prices_include_tax=True, home_country="CH")
    return Rules.of(terms, rates, {"US": Treatment.REPLACED})
