"""Rows without repetitions, for statements that write many rows: one can write each row only once."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def distinct_runs(items: Iterable[T], key: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """The items in order, cut before each one whose key the run already has."""
    run: dict[Hashable, T] = {}
    for item in items:
        if key(item) in run:
            yield list(run.values())
            run = {}
        run[key(item)] = item
    if run:
        yield list(run.values())
