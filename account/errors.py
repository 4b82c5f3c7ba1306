"""What can go wrong here, beyond malformed input.

AlreadyExists       EmailTaken         EMAIL_TAKEN
Unauthenticated     BadCredentials     BAD_CREDENTIALS
                    TokenEnded         TOKEN_INVALID
ResourceExhausted   LoginThrottled     LOGIN_THROTTLED (retry_after: seconds)
Unavailable         TooBusy            PASSWORDS_BUSY
NotFound            AccountNotFound    ACCOUNT_NOT_FOUND
"""

from kit.errors import AlreadyExists, NotFound, ResourceExhausted, Unauthenticated, Unavailable


class EmailTaken(AlreadyExists):
    """A living account has the address."""

    reason = "EMAIL_TAKEN"
    default_message = "an account with this email exists already"


class BadCredentials(Unauthenticated):
    """Unknown address or wrong password: which of them is not told."""

    reason = "BAD_CREDENTIALS"
    default_message = "email or password is wrong"


class TokenEnded(Unauthenticated):
    """The token's session has ended, or its account is gone."""

    reason = "TOKEN_INVALID"
    default_message = "the token is not valid"


class LoginThrottled(ResourceExhausted):
    """Too many failed logins for this account or from this address."""

    reason = "LOGIN_THROTTLED"
    default_message = "too many failed logins, try again later"


class TooBusy(Unavailable):
    """More passwords wait to be hashed than can be within a call's time."""

    reason = "PASSWORDS_BUSY"
    default_message = "too many logins at once, try again in a moment"


class AccountNotFound(NotFound):
    """Absent, or not the caller's."""

    reason = "ACCOUNT_NOT_FOUND"
    default_message = "no such account"
