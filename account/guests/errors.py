"""Errors of guests.

SoukError
|- InvalidArgument
|  '- GuestOnly        the token or the caller is not a guest's
'- ResourceExhausted
   '- GuestThrottled   too many new guests; `details.retry_after` is in seconds

NOT_FOR_GUESTS is raised by kit.auth.
"""

from kit.errors import InvalidArgument, ResourceExhausted, Violation


class GuestOnly(InvalidArgument):
    """The token is not that of a guest's living session, or the caller is not a guest where only guests have a contact."""

    reason = "GUEST_ONLY"
    default_message = "only for guests"

    @classmethod
    def at(cls, field: str, rule: str = "must be the valid access token of a guest") -> "GuestOnly":
        """Names the field and the rule."""
        return cls(fields=[Violation((field,), rule)])


class GuestThrottled(ResourceExhausted):
    """Too many new guests from one network."""

    reason = "GUEST_THROTTLED"
    default_message = "too many new guests from this address, try again later"
