"""Listing categories. Creating or updating a product creates its category (`products.use_cases`)."""

from catalog.categories.domain import CategoryWithCount
from catalog.categories.ports import CategoryStore


class Categories:
    """The use cases of categories."""

    def __init__(self, store: CategoryStore) -> None:
        self._store = store

    async def list(self) -> list[CategoryWithCount]:
        """All categories by name."""
        return await self._store.list_with_counts()
