"""What Stripe's test payment methods do when an intent with them is confirmed (docs.stripe.com/testing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status that confirming leads to; `code` and `decline_code` when the card is declined.

    `later` is the status that a PROCESSING intent ends with by itself.
    """

    status: str
    code: str = ""
    decline_code: str = ""
    later: str = ""


_SUCCEEDS = Outcome("succeeded")


def _declines(code: str, decline_code: str = "") -> Outcome:
    return Outcome("requires_payment_method", code, decline_code or code)


OUTCOMES: Final[Mapping[str, Outcome]] = {
    "pm_card_visa": _SUCCEEDS,
    "pm_card_visa_debit": _SUCCEEDS,
    "pm_card_mastercard": _SUCCEEDS,
    "pm_card_amex": _SUCCEEDS,
    "pm_card_chargeDeclined": _declines("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": _declines("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _declines("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declines("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declines("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declines("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedFraudulent": _declines("card_declined", "fraudulent"),
    "pm_card_chargeDeclinedExpiredCard": _declines("expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declines("incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declines("processing_error"),
    "pm_card_authenticationRequired": Outcome("requires_action"),
    "pm_card_threeDSecure2Required": Outcome("requires_action"),
    "pm_card_threeDSecureRequired": Outcome("requires_action"),
    "pm_usBankAccount": Outcome("processing", later="succeeded"),
    "pm_usBankAccount_success": Outcome("processing", later="succeeded"),
    "pm_usBankAccount_insufficientFunds": Outcome(
        "processing", "payment_method_provider_decline", "insufficient_funds", later="requires_payment_method"
    ),
}
