"""The options of a product, and what a variant is of each. Which combinations are sold is in `variants`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProductOption:
    """One way in which the variants of a product differ, with its values in the order to be shown."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptionValue:
    """What a variant is of one option, e.g. Size: M."""

    name: str
    value: str
