"""Errors of shipping zones.

SoukError
|- InvalidArgument
|  |- RateOverlap           two bands of one method and currency overlap
|  '- PlaceTaken            another zone has the place
|- NotFound
|  '- ShippingZoneNotFound
'- ResourceExhausted
   '- ShippingZoneLimit
"""

from kit.errors import InvalidArgument, NotFound, ResourceExhausted


class RateOverlap(InvalidArgument):
    """Two bands of one method and currency overlap, or are measured differently; `fields` name the second."""

    reason = "RATE_OVERLAP"


class PlaceTaken(InvalidArgument):
    """Another zone has the place; `fields` name it."""

    reason = "PLACE_TAKEN"


class ShippingZoneNotFound(NotFound):
    """The shipping zone does not exist."""

    reason = "SHIPPING_ZONE_NOT_FOUND"
    default_message = "no such shipping zone"


class ShippingZoneLimit(ResourceExhausted):
    """The shop would have too many shipping zones."""

    reason = "SHIPPING_ZONE_LIMIT"
    default_message = "at most 100 shipping zones"
