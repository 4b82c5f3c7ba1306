"""The tables that the generator fills."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.scale.world import World


@dataclass(frozen=True, slots=True)
class Table:
    """A table, the items that it has rows for (orders, accounts, ...), and its rows; `columns` are separated by spaces."""

    database: str
    name: str
    items: Callable[[World], range]
    rows: Callable[[World, range], Iterator[bytes]]
    columns: str
