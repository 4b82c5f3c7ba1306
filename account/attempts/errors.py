"""Errors of limits.

SoukError
|- ResourceExhausted
|  '- LoginThrottled   too many wrong passwords; `details.retry_after` is in seconds
'- Unavailable
   '- TooBusy          the password could not be compared or hashed in time
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
