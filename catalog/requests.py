"""What RPCs of several aggregates read from their calls and requests."""

from souk.catalog.v1 import product_service_pb2 as products
from souk.catalog.v1 import variant_service_pb2 as variants

from kit.rpc import Call


def sees_stock(call: Call) -> bool:
    """Quantities are for ADMIN only."""
    return call.principal is not None and call.principal.is_admin


def expected_version(
    request: products.UpdateProductRequest | variants.SetVariantsRequest | variants.UpdateVariantRequest,
) -> int | None:
    """The version of the product that the caller has read, if it says so."""
    return request.expected_version if request.HasField("expected_version") else None
