"""Protobuf messages of categories <-> the domain."""

from souk.catalog.v1 import product_pb2 as pb

from catalog.categories.domain import Category, CategoryWithCount
from kit.values import CATEGORY


def category_to_proto(category: Category) -> pb.Category:
    """Without the number of products."""
    return pb.Category(id=CATEGORY.format(category.id), slug=category.slug, name=category.name)


def category_with_count_to_proto(counted: CategoryWithCount) -> pb.Category:
    """With the number of products."""
    message = category_to_proto(counted.category)
    message.product_count = counted.products
    return message


def category_from_proto(message: pb.Category) -> Category:
    """Raises InvalidArgument for a malformed id."""
    return Category(CATEGORY.parse(message.id, "id"), message.slug, message.name)
