"""What can go wrong here, beyond malformed input.

AlreadyExists       EmailTaken         EMAIL_TAKEN
Unauthenticated     BadCredentials     BAD_CREDENTIALS
                    TokenEnded         TOKEN_INVALID
                    RefreshExpired     TOKEN_EXPIRED
InvalidArgument     WrongPassword      WRONG_PASSWORD (of somebody who is signed in)
                    LinkInvalid        LINK_INVALID
ResourceExhausted   LoginThrottled     LOGIN_THROTTLED (retry_after: seconds)
                    RegisterThrottled  REGISTER_THROTTLED (retry_after)
                    ResetThrottled     RESET_THROTTLED (retry_after)
FailedPrecondition  LastAdmin          LAST_ADMIN
Unavailable         TooBusy            PASSWORDS_BUSY
NotFound            AccountNotFound    ACCOUNT_NOT_FOUND

ORDERS_OPEN, which the order service raises, is passed on as it comes and has no class here.
"""

from kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Violation,
)


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


class RefreshExpired(Unauthenticated):
    """Nobody used the refresh token in time."""

    reason = "TOKEN_EXPIRED"
    default_message = "the token has expired"


class WrongPassword(InvalidArgument):
    """Somebody who is signed in did not know the password. It is no reason to sign them out."""

    reason = "WRONG_PASSWORD"
    default_message = "the password is wrong"

    @classmethod
    def at(cls, field: str) -> "WrongPassword":
        """Names the field."""
        return cls(fields=[Violation((field,), "is not the account's password")])


class LinkInvalid(InvalidArgument):
    """The token of a mailed link is unknown, used, or too old."""

    reason = "LINK_INVALID"
    default_message = "the link is not valid any more, ask for another"

    @classmethod
    def at(cls, field: str) -> "LinkInvalid":
        """Names the field."""
        return cls(fields=[Violation((field,), "is not valid any more")])


class LoginThrottled(ResourceExhausted):
    """Too many failed logins for this account or from this address."""

    reason = "LOGIN_THROTTLED"
    default_message = "too many failed logins, try again later"


class RegisterThrottled(ResourceExhausted):
    """Too many accounts were made from this address."""

    reason = "REGISTER_THROTTLED"
    default_message = "too many accounts were made from here, try again later"


class ResetThrottled(ResourceExhausted):
    """Too many links were asked for from this address."""

    reason = "RESET_THROTTLED"
    default_message = "too many links were asked for, try again later"


class LastAdmin(FailedPrecondition):
    """Without this account nobody could make another ADMIN."""

    reason = "LAST_ADMIN"
    default_message = "the last ADMIN can be neither deleted nor made a USER"


class TooBusy(Unavailable):
    """More passwords wait to be hashed than can be within a call's time."""

    reason = "PASSWORDS_BUSY"
    default_message = "too many logins at once, try again in a moment"


class AccountNotFound(NotFound):
    """Absent, or not the caller's."""

    reason = "ACCOUNT_NOT_FOUND"
    default_message = "no such account"
