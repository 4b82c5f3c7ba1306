"""What the indexer and the reindexer need."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from catalog.indexing.domain import IndexRow


class IndexSource(Protocol):
    """The tables, read for the index. Includes deleted products."""

    async def rows(self, ids: Sequence[UUID]) -> list[IndexRow]:
        """Products as they are now."""

    async def ids_after(self, after: UUID | None, limit: int) -> list[UUID]:
        """A page of all products' ids, in order."""

    async def changed_since(self, time: datetime) -> list[UUID]:
        """Products that changed, or whose availability changed or is about to be published as changed."""

    def try_exclusive_lock(self) -> AbstractAsyncContextManager[bool]:
        """False if another process, on any replica, holds the lock. It is released if its process dies."""


class IndexWriter(Protocol):
    """The index, written."""

    async def write(self, rows: Sequence[IndexRow], *, index: str | None = None) -> None:
        """Writes active products and removes deleted ones, unless the index has a newer version.

        `index`: the one to write to, by default the one that is searched.
        """

    async def refresh(self) -> None:
        """Makes writes visible and invalidates cached results."""


class Index(IndexWriter, Protocol):
    """The index and its generations: numbered indices, one of which the alias points to."""

    async def create_generation(self) -> str:
        """Creates an empty index that is not searched yet; returns its name."""

    async def switch_alias(self, index: str) -> None:
        """From now on this index is searched and written."""

    async def delete_old_generations(self) -> None:
        """Deletes the indices that the alias does not point to."""

    async def read(self, ids: Sequence[UUID]) -> Mapping[UUID, tuple[Any, ...]]:
        """What the index has of the products among the ids, as `IndexRow.state`."""
