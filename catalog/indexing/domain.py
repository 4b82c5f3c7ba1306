"""What the index needs to know of a product."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog.options import OptionValue, combination_keys, option_key
from catalog.products.domain import Product


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A product as the tables have it; `is_active` is False if it was deleted.

    With options, `in_stock` are the values of each variant that can be bought, and `skus` those of all its variants.
    """

    product: Product
    is_active: bool
    available: bool
    in_stock: tuple[tuple[str, ...], ...] = ()
    skus: tuple[str, ...] = ()

    @property
    def state(self) -> tuple[Any, ...]:
        """What its document has to have."""
        options = (self.option_values, self.option_combinations, list(self.skus))
        return (self.product, self.available, *(options if self.product.options else ()))

    @property
    def option_values(self) -> list[str]:
        """Each option's values of variants that can be bought."""
        return sorted({option_key(option) for variant in self._variants() for option in variant})

    @property
    def option_combinations(self) -> list[str]:
        """The combinations of values of which there is a variant that can be bought."""
        return sorted({key for variant in self._variants() for key in combination_keys(variant)})

    def _variants(self) -> Iterator[list[OptionValue]]:
        names = [option.name for option in self.product.options]
        for values in self.in_stock:
            yield list(map(OptionValue, names, values))
