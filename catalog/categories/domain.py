"""Categories of products."""

from dataclasses import dataclass
from uuid import UUID

from catalog.identities import category_identity, slug_of
from kit.values import CATEGORY


@dataclass(frozen=True, slots=True)
class Category:
    """Identified by its name (`category_identity`); `slug` is unique and derived from the name."""

    id: UUID
    slug: str
    name: str

    @classmethod
    def from_name(cls, name: str) -> "Category":
        """Names of one identity always get the same id. The slug may already belong to another category."""
        # Slugs have no spaces, so these ids differ from those of earlier releases, which were derived from slugs.
        return cls(CATEGORY.derive(f"name {category_identity(name)}"), slug_of(name), name)


@dataclass(frozen=True, slots=True)
class CategoryWithCount:
    """A category with the number of its products that are not deleted."""

    category: Category
    products: int
