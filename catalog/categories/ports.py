"""What the use cases of categories need."""

from typing import Protocol

from catalog.categories.domain import CategoryWithCount


class CategoryStore(Protocol):
    """The categories table."""

    async def list_with_counts(self) -> list[CategoryWithCount]:
        """All categories by name."""
