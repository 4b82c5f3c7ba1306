"""What Stripe's test payment methods do when an intent with them is confirmed (docs.stripe.com/testing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status that confirming leads to; `code` and `decline_code` when the card is declined.

    `later` is the status that a PROCESSING intent ends with by itself, and that an intent which REQUIRES_ACTION ends with once its
    buyer has acted. `refund` is where a refund begins, `refund_later` where that ends by itself.
    """

    status: str
    code: str = ""
    decline_code: str = ""
    later: str = ""
    refund: str = "succeeded"
    refund_later: str = ""


_SUCCEEDS: Final = Outcome("succeeded")
_ACTS: Final = Outcome("requires_action", later="succeeded")

_COUNTRIES = (
    "us ar br ca cl co cr ec mx pa py pe uy ae at be bg by hr cy cz dk ee fi fr de gi gr hu ie it lv li lt lu mt nl no pl pt ro sa si sk "
    "es se ch gb gb_debit au cn hk in jp my nz sg tw th_credit th_debit"
)
_BRANDS = (
    "visa visa_debit mastercard mastercard_debit mastercard_prepaid amex discover diners jcb unionpay visa_cartesBancaires "
    "mastercard_cartesBancaires visa_debit_eftposAuCoBranded debit_mastercard_eftposAuCoBranded"
)
# They are charged; what is special about them (checks, a dispute later, balance at once) concerns others.
_CHARGED = (
    "avsFail avsLineFail avsZipFail avsUnchecked cvcCheckFail riskLevelElevated bypassPending bypassPendingInternational createDispute "
    "createDisputeProductNotReceived createDisputeInquiry createIssuerFraudRecord createMultipleDisputes threeDSecureOptional "
    "amex_threeDSecureNotSupported authenticationRequiredOnSetup authenticationRequiredSetupForOffSession"
)


def _declines(code: str, decline_code: str = "") -> Outcome:
    return Outcome("requires_payment_method", code, decline_code or code)


def _acts_and_is_declined(code: str, decline_code: str = "") -> Outcome:
    return Outcome("requires_action", code, decline_code or code, later="requires_payment_method")


def _bank_declines(decline_code: str) -> Outcome:
    return Outcome(
        "processing", "payment_method_provider_decline", decline_code, later="requires_payment_method"
    )


def _bank(later: str) -> Outcome:
    return Outcome("processing", later=later, refund="pending", refund_later="succeeded")


OUTCOMES: Final[Mapping[str, Outcome]] = {
    **{f"pm_card_{name}": _SUCCEEDS for name in f"{_BRANDS} {_COUNTRIES} {_CHARGED}".split()},
    # Declined.
    "pm_card_chargeDeclined": _declines("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": _declines("card_declined", "generic_decline"),
    "pm_card_chargeCustomerFail": _declines("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _declines("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declines("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declines("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declines("card_declined", "stolen_card"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _declines("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedFraudulent": _declines("card_declined", "fraudulent"),
    "pm_card_radarBlock": _declines("card_declined", "fraudulent"),
    "pm_card_riskLevelHighest": _declines("card_declined", "fraudulent"),
    "pm_card_chargeDeclinedExpiredCard": _declines("expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declines("incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declines("processing_error"),
    # The buyer's bank wants to see its buyer.
    "pm_card_authenticationRequired": _ACTS,
    "pm_card_threeDSecure2Required": _ACTS,
    "pm_card_threeDSecureRequired": _ACTS,
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": _acts_and_is_declined(
        "card_declined", "insufficient_funds"
    ),
    "pm_card_threeDSecureRequiredChargeDeclined": _acts_and_is_declined("card_declined", "generic_decline"),
    "pm_card_threeDSecureRequiredProcessingError": _acts_and_is_declined("processing_error"),
    # Refunds that take their time, or come back.
    "pm_card_pendingRefund": Outcome("succeeded", refund="pending", refund_later="succeeded"),
    "pm_card_refundFail": Outcome("succeeded", refund="succeeded", refund_later="failed"),
    # Banks take their time.
    "pm_usBankAccount": _bank("succeeded"),
    "pm_usBankAccount_success": _bank("succeeded"),
    "pm_usBankAccount_dispute": _bank("succeeded"),
    "pm_usBankAccount_processing": _bank(""),
    "pm_usBankAccount_accountClosed": _bank_declines("account_closed"),
    "pm_usBankAccount_noAccount": _bank_declines("no_account"),
    "pm_usBankAccount_insufficientFunds": _bank_declines("insufficient_funds"),
    "pm_usBankAccount_debitNotAuthorized": _bank_declines("debit_not_authorized"),
    "pm_usBankAccount_invalidCurrency": _bank_declines("invalid_currency"),
}
