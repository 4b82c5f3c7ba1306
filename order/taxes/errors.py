"""Errors of tax rules.

SoukError
|- InvalidArgument
|  '- TaxOverlap       two rates of one place, class and name apply at one time
'- ResourceExhausted
   '- TaxRateLimit     of all countries together
"""

from kit.errors import InvalidArgument, ResourceExhausted


class TaxOverlap(InvalidArgument):
    """Two rates of one place, class and name apply at one time; `fields` name the second."""

    reason = "TAX_OVERLAP"


class TaxRateLimit(ResourceExhausted):
    """The shop would have too many tax rates."""

    reason = "TAX_RATE_LIMIT"
    default_message = "at most 20,000 tax rates of all countries together"
