"""Errors of products.

SoukError
|- NotFound
|  '- ProductNotFound    does not exist or was deleted
|- AlreadyExists
|  '- SkuTaken           another product that is not deleted has the SKU
'- Aborted
   '- VersionConflict    the product was modified concurrently
"""

from kit.errors import Aborted, AlreadyExists, NotFound


class ProductNotFound(NotFound):
    """The product does not exist or was deleted."""

    reason = "PRODUCT_NOT_FOUND"
    default_message = "no such product"


class SkuTaken(AlreadyExists):
    """Another product that is not deleted has the SKU."""

    reason = "SKU_TAKEN"
    default_message = "another product has this sku"


class VersionConflict(Aborted):
    """The product is not at the version that the caller expected; `details.version` is the current one."""

    reason = "VERSION_CONFLICT"
    default_message = "the product was modified concurrently"
