"""What the use cases of search need."""

from collections.abc import Sequence
from typing import Protocol

from catalog.search.domain import Criteria


class IndexReader(Protocol):
    """The index, searched."""

    async def search(self, criteria: Criteria) -> bytes:
        """The page as `messages.encode_page` encodes it. Raises SearchUnavailable, or InvalidArgument for a cursor of another search."""

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Distinct names of products that complete a prefix; raises SearchUnavailable."""
