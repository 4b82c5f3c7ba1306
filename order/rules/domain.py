"""The rules at a revision."""

from dataclasses import dataclass

from order.pricing.rules import Rules, Terms
from order.rules.errors import RulesConflict


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rules as they were at a revision; every later write has a higher one."""

    revision: int
    rules: Rules


def differences(ours: Terms, shops: Terms) -> str:
    """The settings that differ, with both values; empty when none does."""
    settings = {
        "PRICES_INCLUDE_TAX": (ours.prices_include_tax, shops.prices_include_tax),
        "TAX_ROUNDING": (ours.rounding.value, shops.rounding.value),
        "TAX_LEVEL": (ours.level.value, shops.level.value),
        "SHOP_COUNTRY": (ours.home_country, shops.home_country),
    }
    differing = [
        f"{name} is {str(ours_)!r} here and {str(shops_)!r} in the shop"
        for name, (ours_, shops_) in settings.items()
        if ours_ != shops_
    ]
    return ", ".join(differing)


def check_version(expected: int | None, current: int) -> None:
    """Raises RulesConflict unless the caller has read the current version, or none."""
    if expected is not None and expected != current:
        raise RulesConflict(details={"version": current})
