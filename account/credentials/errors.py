"""Errors of passwords.

SoukError
|- InvalidArgument
|  '- WrongPassword       a signed-in caller sent a wrong password
|- Unauthenticated
|  '- BadCredentials      unknown address or wrong password
'- ResourceExhausted
   '- RegisterThrottled   too many registrations; `details.retry_after` is in seconds
"""

from kit.errors import InvalidArgument, ResourceExhausted, Unauthenticated, Violation


class BadCredentials(Unauthenticated):
    """Unknown address or wrong password. The error does not say which, so that it reveals no address."""

    reason = "BAD_CREDENTIALS"
    default_message = "email or password is wrong"


class WrongPassword(InvalidArgument):
    """A signed-in caller sent a wrong password. Not Unauthenticated, because clients sign the user out for that."""

    reason = "WRONG_PASSWORD"
    default_message = "the password is wrong"

    @classmethod
    def at(cls, field: str) -> "WrongPassword":
        """Names the field."""
        return cls(fields=[Violation((field,), "is not the account's password")])


class RegisterThrottled(ResourceExhausted):
    """Too many registrations from one network."""

    reason = "REGISTER_THROTTLED"
    default_message = "too many registrations from this address, try again later"
