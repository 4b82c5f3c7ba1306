"""Errors of changes to variants.

SoukError
'- InvalidArgument
   |- OptionsMismatch     a variant does not name each option of its product once, with one of its values
   |- DuplicateOptions    options, values of an option or variants are the same
   '- TooManyVariants     a product has more variants than allowed
"""

from kit.errors import InvalidArgument


class OptionsMismatch(InvalidArgument):
    """A variant does not name each option of its product once, with one of the declared values."""

    reason = "OPTIONS_MISMATCH"
    default_message = "a variant must name each option once, with one of its values"


class DuplicateOptions(InvalidArgument):
    """Options, values of an option or variants are the same, ignoring case, width and spaces."""

    reason = "DUPLICATE_OPTIONS"
    default_message = "options, their values and the variants must differ"


class TooManyVariants(InvalidArgument):
    """A product has more variants than allowed."""

    reason = "TOO_MANY_VARIANTS"
