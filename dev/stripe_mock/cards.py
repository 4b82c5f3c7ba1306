"""Stripe's test card numbers (docs.stripe.com/testing), each with the token of the same card, and what of a card is shown."""

from datetime import UTC, datetime
from typing import Any, Final

from dev.stripe_mock.errors import card_error

NUMBERS: Final = {
    "4242424242424242": "pm_card_visa",
    "5555555555554444": "pm_card_mastercard",
    "378282246310005": "pm_card_amex",
    # Declined.
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000009987": "pm_card_visa_chargeDeclinedLostCard",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000127": "pm_card_chargeDeclinedIncorrectCvc",
    "4000000000000119": "pm_card_chargeDeclinedProcessingError",
    # The bank asks the buyer (3-D Secure): then charged, or declined.
    "4000002760003184": "pm_card_authenticationRequired",
    "4000000000003220": "pm_card_threeDSecure2Required",
    "4000008400001629": "pm_card_threeDSecureRequiredChargeDeclined",
    "4000008260003178": "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
    # The bank asks once, while the card is saved; then no more.
    "4000002500003155": "pm_card_authenticationRequiredSetupForOffSession",
}
_BRANDS: Final = ("mastercard", "amex", "discover", "diners", "jcb", "unionpay")
_LAST4: Final = {token: number[-4:] for number, token in NUMBERS.items()}


def token_of(number: str) -> str | None:
    """The token of a test card; None for any other number."""
    return NUMBERS.get("".join(number.split()))


def full_year(year: int) -> int:
    """20 means 2020."""
    return year + 2000 if year < 100 else year


def require_valid_expiry(month: str, year: str) -> None:
    """Raises ApiError unless it is a month of these 50 years that is not over."""
    if not month.isdecimal() or not 1 <= int(month) <= 12:
        message = "Your card's expiration month is invalid."
        raise card_error("invalid_expiry_month", "exp_month", message)
    today = datetime.now(UTC)
    if not year.isdecimal() or full_year(int(year)) > today.year + 50:
        message = "Your card's expiration year is invalid."
        raise card_error("invalid_expiry_year", "exp_year", message)
    if (full_year(int(year)), int(month)) < (today.year, today.month):
        raise card_error("expired_card", "exp_month", "Your card has expired.")


def shown(token: str, *, exp_month: int = 12, exp_year: int = 2034) -> dict[str, Any]:
    """The card of a payment method."""
    brand = next((brand for brand in _BRANDS if brand in token), "visa")
    return {
        "brand": brand,
        "last4": _LAST4.get(token, "4242"),
        "exp_month": exp_month,
        "exp_year": exp_year,
        "funding": "credit",
        "country": "US",
    }
