"""Mailed links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from account.accounts.domain import Account


class Purpose(StrEnum):
    """What a link does."""

    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - no password
    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"


@dataclass(frozen=True, slots=True)
class LinkRequested:
    """A link is to be mailed; only the notification service can read `sealed_token`."""

    purpose: Purpose
    account: Account
    sealed_token: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class LinkLifetimes:
    """How long unused links are valid."""

    password_reset: timedelta
    email_verification: timedelta

    def of(self, purpose: Purpose) -> timedelta:
        """The lifetime for a purpose."""
        return self.password_reset if purpose is Purpose.PASSWORD_RESET else self.email_verification
