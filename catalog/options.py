"""The options of a product, and what a variant is of each. Which combinations are sold is in `variants`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from catalog.identities import option_identity

# Names and values have no control characters.
_OF: Final = "\x1f"
_AND: Final = "\x1e"


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


def option_key(option: OptionValue) -> str:
    """A name with a value as they are written, as one text of the search index."""
    return f"{option.name}{_OF}{option.value}"


def option_from_key(key: str) -> OptionValue:
    """The inverse of `option_key`."""
    name, _, value = key.partition(_OF)
    return OptionValue(name, value)


def combination_key(options: Iterable[OptionValue]) -> str:
    """Options in any order and spelling, as one text of the search index."""
    pairs = ((option_identity(option.name), option_identity(option.value)) for option in options)
    return _AND.join(_OF.join(pair) for pair in sorted(pairs))


def combination_keys(options: Sequence[OptionValue]) -> list[str]:
    """The keys of all non-empty subsets of a variant's options: at most seven."""
    return [
        combination_key(subset)
        for size in range(1, len(options) + 1)
        for subset in combinations(options, size)
    ]
