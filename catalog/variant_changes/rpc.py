"""The gRPC methods that change variants."""

from souk.catalog.v1 import variant_service_pb2 as pb

from catalog.products.messages import product_with_stock_to_proto
from catalog.products.use_cases import Products
from catalog.requests import expected_version
from catalog.variant_changes.messages import changes_from_proto, declaration_from_proto
from catalog.variant_changes.use_cases import VariantChanges
from catalog.variants.messages import variant_to_proto
from kit.auth import AdminVerifier
from kit.rpc import Call
from kit.values import PRODUCT, VARIANT


class VariantChangesRpc:
    """SetVariants and UpdateVariant, for ADMIN: each verifies the role with the account service."""

    def __init__(self, changes: VariantChanges, products: Products, admins: AdminVerifier) -> None:
        self._changes = changes
        self._products = products
        self._admins = admins

    async def set_variants(self, request: pb.SetVariantsRequest, call: Call) -> pb.SetVariantsResponse:
        """Declares all options and variants of a product."""
        caller, product_id = call.require_admin(), PRODUCT.parse(request.product_id, "productId")
        declaration = declaration_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._changes.declare(
            caller,
            product_id,
            declaration,
            expected_version=expected_version(request),
            address=call.address,
        )
        [with_stock] = await self._products.with_stock([product])
        return pb.SetVariantsResponse(product=product_with_stock_to_proto(with_stock, with_stock=True))

    async def update_variant(self, request: pb.UpdateVariantRequest, call: Call) -> pb.UpdateVariantResponse:
        """Changes the given fields."""
        caller, variant_id = call.require_admin(), VARIANT.parse(request.variant_id, "id")
        changes = changes_from_proto(request)
        await self._admins.require_admin(caller)
        variant = await self._changes.update(
            caller,
            variant_id,
            changes,
            expected_version=expected_version(request),
            address=call.address,
        )
        return pb.UpdateVariantResponse(variant=variant_to_proto(variant, with_stock=True))
