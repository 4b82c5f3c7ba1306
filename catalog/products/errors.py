"""Errors of products.

SoukError
|- NotFound
|  '- ProductNotFound    does not exist or was deleted
|- AlreadyExists
|  '- SkuTaken           another product or variant that is not deleted has the SKU
|- FailedPrecondition
|  '- HasVariants        price and SKU of a product with options are those of its variants
'- Aborted
   '- VersionConflict    the product was modified concurrently
"""

from kit.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound


class ProductNotFound(NotFound):
    """The product does not exist or was deleted."""

    reason = "PRODUCT_NOT_FOUND"
    default_message = "no such product"


class SkuTaken(AlreadyExists):
    """Another product or variant that is not deleted has the SKU."""

    reason = "SKU_TAKEN"
    default_message = "another product has this sku"


class HasVariants(FailedPrecondition):
    """The product has options: price and SKU are those of its variants."""

    reason = "HAS_VARIANTS"
    default_message = "price and sku of a product with options are set on its variants"


class VersionConflict(Aborted):
    """The product is not at the version that the caller expected; `details.version` is the current one."""

    reason = "VERSION_CONFLICT"
    default_message = "the product was modified concurrently"
