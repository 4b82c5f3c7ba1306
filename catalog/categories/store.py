"""The only reader and writer of the categories table."""

from itertools import count

from catalog.categories.domain import Category, CategoryWithCount
from kit.db import Database, Record, Transaction

# A match by name wins, because a slug may equal another category's name.
_FIND = """
SELECT id, slug, name FROM categories WHERE category_identity(name) = category_identity($1) OR slug = $1
ORDER BY category_identity(name) = category_identity($1) DESC LIMIT 1
"""
_ADD = """
INSERT INTO categories (id, slug, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id, slug, name
"""
# The subquery is an index-only scan of products_of_category.
_LIST = """
SELECT c.id, c.slug, c.name, coalesce(p.count, 0) AS count
FROM categories c LEFT JOIN (
    SELECT category_id, count(*) AS count FROM products WHERE delete_time IS NULL AND category_id IS NOT NULL GROUP BY category_id
) p ON p.category_id = c.id
ORDER BY c.name, c.slug
"""


class PostgresCategoryStore:
    """`ports.CategoryStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_with_counts(self) -> list[CategoryWithCount]:
        """All categories by name."""
        return [CategoryWithCount(_category(row), row["count"]) for row in await self._db.fetch(_LIST)]


async def find_or_create(tx: Transaction, new: Category) -> Category:
    """The category with the name of `new`, or else with that name as its slug, or else `new` with the first free slug."""
    slugs = (new.slug if number == 1 else f"{new.slug}-{number}" for number in count(1))
    while (row := await tx.fetchrow(_FIND, new.name)) is None:
        row = await tx.fetchrow(_ADD, new.id, next(slugs), new.name)
        if row is not None:
            break
    return _category(row)


def _category(row: Record) -> Category:
    return Category(row["id"], row["slug"], row["name"])
