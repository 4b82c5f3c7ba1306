"""What a table of the generator is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.scale.world import World


@dataclass(frozen=True, slots=True)
class Table:
    """A table, what its rows are made for (orders, accounts, ...) and how; `columns` as a text with spaces."""

    database: str
    name: str
    items: Callable[[World], range]
    rows: Callable[[World, range], Iterator[bytes]]
    columns: str
