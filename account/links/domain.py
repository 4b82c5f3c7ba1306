"""Mailed links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from account.accounts.domain import Account


class Purpose(StrEnum):
    """What a link does."""

    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - no password
    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"
    ORDER_ACCESS = "ORDER_ACCESS"


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
    order_access: timedelta = timedelta(days=30)

    def of(self, purpose: Purpose) -> timedelta:
        """The lifetime for a purpose."""
        return {
            Purpose.PASSWORD_RESET: self.password_reset,
            Purpose.EMAIL_VERIFICATION: self.email_verification,
            Purpose.ORDER_ACCESS: self.order_access,
        }[purpose]
