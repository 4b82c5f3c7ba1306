"""The gRPC methods of categories."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.messages import category_with_count_to_proto
from catalog.categories.use_cases import Categories
from kit.rpc import Call


class CategoriesRpc:
    """ListCategories."""

    def __init__(self, categories: Categories) -> None:
        self._categories = categories

    async def list_categories(
        self, request: pb.ListCategoriesRequest, call: Call
    ) -> pb.ListCategoriesResponse:
        """For every caller."""
        categories = map(category_with_count_to_proto, await self._categories.list())
        return pb.ListCategoriesResponse(categories=categories)
