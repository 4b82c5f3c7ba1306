"""Errors of limits.

ResourceExhausted  LoginThrottled  LOGIN_THROTTLED (retry_after: seconds)
Unavailable        TooBusy         PASSWORDS_BUSY
"""

from kit.errors import ResourceExhausted, Unavailable


class LoginThrottled(ResourceExhausted):
    """Too many wrong passwords for an account, or from a network, device or session."""

    reason = "LOGIN_THROTTLED"
    default_message = "too many failed logins, try again later"


class TooBusy(Unavailable):
    """The password cannot be checked within the caller's deadline."""

    reason = "PASSWORDS_BUSY"
    default_message = "too many logins at once, try again in a moment"
