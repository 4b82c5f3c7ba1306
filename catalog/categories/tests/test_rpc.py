"""The gRPC methods of categories on a server in this process: mapping and rejections."""

from catalog.tests.edge import Edge, edge

__all__ = ["edge"]


async def test_list_categories_returns_them_by_name(edge: Edge) -> None:
    for category in ("Kitchen", "Garden", "kitchen"):
        await edge.create(category=category)

    categories = (await edge.call(None, "ListCategories")).categories

    assert [(category.slug, category.name, category.product_count) for category in categories] == [
        ("garden", "Garden", 1),
        ("kitchen", "Kitchen", 2),
    ]
    assert all(category.id.startswith("cat_") for category in categories)
