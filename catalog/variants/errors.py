"""Errors of variants.

SoukError
|- NotFound
|  '- VariantNotFound     does not exist or was deleted
'- InvalidArgument
   '- VariantRequired     a product with options is named where one of its variants is needed
"""

from kit.errors import InvalidArgument, NotFound


class VariantNotFound(NotFound):
    """The variant does not exist or was deleted."""

    reason = "VARIANT_NOT_FOUND"
    default_message = "no such variant"


class VariantRequired(InvalidArgument):
    """A product with options is named, which is sold as one of its variants only."""

    reason = "VARIANT_REQUIRED"
    default_message = "of a product with options, one of its variants must be named"
