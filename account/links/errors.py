"""Errors of mailed links.

SoukError
|- InvalidArgument
|  '- LinkInvalid      the link is unknown, used or expired
'- ResourceExhausted
   '- ResetThrottled   too many requests for resets; `details.retry_after` is in seconds
"""

from kit.errors import InvalidArgument, ResourceExhausted, Violation


class LinkInvalid(InvalidArgument):
    """The token of a link is unknown, used or expired."""

    reason = "LINK_INVALID"
    default_message = "the link is no longer valid, request another"

    @classmethod
    def at(cls, field: str) -> "LinkInvalid":
        """Names the field."""
        return cls(fields=[Violation((field,), "is no longer valid")])


class ResetThrottled(ResourceExhausted):
    """Too many requests for password resets from one network."""

    reason = "RESET_THROTTLED"
    default_message = "too many link requests, try again later"
