"""Who may change the catalog through ProductService on a server in this process."""

from typing import Any

import pytest

from catalog.tests.edge import PRICE, Edge, edge
from kit.errors import (
    PermissionDenied,
    Unauthenticated,
)
from kit.values import PRODUCT

__all__ = ["edge"]


@pytest.mark.parametrize(
    "method", ["CreateProduct", "UpdateProduct", "DeleteProduct", "AdjustStock", "SetStock"]
)
async def test_only_an_admin_can_change_the_catalog(edge: Edge, method: str) -> None:
    with pytest.raises(Unauthenticated):
        await edge.call(None, method)
    with pytest.raises(PermissionDenied):
        await edge.call(edge.customer, method)


async def test_a_former_admin_with_a_valid_token_changes_nothing(edge: Edge) -> None:
    product_id = (await edge.create(stock=5)).id
    edge.admins.demoted.add(edge.admin.account_id)
    fields: dict[str, dict[str, Any]] = {
        "CreateProduct": {"name": "Cup", "price": PRICE},
        "UpdateProduct": {"product_id": product_id, "name": "Cup"},
        "DeleteProduct": {"product_id": product_id},
        "AdjustStock": {"product_id": product_id, "delta": 1, "request_id": "monday"},
        "SetStock": {"product_id": product_id, "stock": 9},
    }

    for method, request in fields.items():
        with pytest.raises(PermissionDenied):
            await edge.call(edge.admin, method, **request)
    [product] = (await edge.call(None, "ListProducts")).products
    assert (product.name, product.version) == ("Mug", 1)
    assert edge.stock.free_stock[PRODUCT.parse(product_id)] == 5
