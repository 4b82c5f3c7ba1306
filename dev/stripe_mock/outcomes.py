"""The outcome of confirming an intent with each of Stripe's test payment methods (docs.stripe.com/testing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Outcome:
    """The intent's status after confirming; `code` and `decline_code` if the card is declined.

    `later`: the final status of a PROCESSING intent, or of one that REQUIRES_ACTION once its buyer has acted. `refund`: the initial
    status of a refund, `refund_later` its final one.
    """

    status: str
    code: str = ""
    decline_code: str = ""
    later: str = ""
    refund: str = "succeeded"
    refund_later: str = ""


_SUCCEEDS: Final = Outcome("succeeded")
_REQUIRES_ACTION: Final = Outcome("requires_action", later="succeeded")

_COUNTRIES = (
    "us ar br ca cl co cr ec mx pa py pe uy ae at be bg by hr cy cz dk ee fi fr de gi gr hu ie it lv li lt lu mt nl no pl pt ro sa si sk "
    "es se ch gb gb_debit au cn hk in jp my nz sg tw th_credit th_debit"
)
_BRANDS = (
    "visa visa_debit mastercard mastercard_debit mastercard_prepaid amex discover diners jcb unionpay visa_cartesBancaires "
    "mastercard_cartesBancaires visa_debit_eftposAuCoBranded debit_mastercard_eftposAuCoBranded"
)
# They are charged; their special effects (failed checks, disputes, immediate balance) are not simulated.
_CHARGED = (
    "avsFail avsLineFail avsZipFail avsUnchecked cvcCheckFail riskLevelElevated bypassPending bypassPendingInternational createDispute "
    "createDisputeProductNotReceived createDisputeInquiry createIssuerFraudRecord createMultipleDisputes threeDSecureOptional "
    "amex_threeDSecureNotSupported authenticationRequiredOnSetup authenticationRequiredSetupForOffSession"
)


def _declined(code: str, decline_code: str = "") -> Outcome:
    return Outcome("requires_payment_method", code, decline_code or code)


def _action_then_decline(code: str, decline_code: str = "") -> Outcome:
    return Outcome("requires_action", code, decline_code or code, later="requires_payment_method")


def _bank_declined(decline_code: str) -> Outcome:
    return Outcome(
        "processing", "payment_method_provider_decline", decline_code, later="requires_payment_method"
    )


def _bank(later: str) -> Outcome:
    return Outcome("processing", later=later, refund="pending", refund_later="succeeded")


OUTCOMES: Final[Mapping[str, Outcome]] = {
    **{f"pm_card_{name}": _SUCCEEDS for name in f"{_BRANDS} {_COUNTRIES} {_CHARGED}".split()},
    # Declined.
    "pm_card_chargeDeclined": _declined("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": _declined("card_declined", "generic_decline"),
    "pm_card_chargeCustomerFail": _declined("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _declined("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declined("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("card_declined", "stolen_card"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _declined("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedFraudulent": _declined("card_declined", "fraudulent"),
    "pm_card_radarBlock": _declined("card_declined", "fraudulent"),
    "pm_card_riskLevelHighest": _declined("card_declined", "fraudulent"),
    "pm_card_chargeDeclinedExpiredCard": _declined("expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declined("processing_error"),
    # The buyer must authenticate with their bank.
    "pm_card_authenticationRequired": _REQUIRES_ACTION,
    "pm_card_threeDSecure2Required": _REQUIRES_ACTION,
    "pm_card_threeDSecureRequired": _REQUIRES_ACTION,
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": _action_then_decline(
        "card_declined", "insufficient_funds"
    ),
    "pm_card_threeDSecureRequiredChargeDeclined": _action_then_decline("card_declined", "generic_decline"),
    "pm_card_threeDSecureRequiredProcessingError": _action_then_decline("processing_error"),
    # Refunds that are pending first, or fail later.
    "pm_card_pendingRefund": Outcome("succeeded", refund="pending", refund_later="succeeded"),
    "pm_card_refundFail": Outcome("succeeded", refund="succeeded", refund_later="failed"),
    # Bank debits are processed asynchronously.
    "pm_usBankAccount": _bank("succeeded"),
    "pm_usBankAccount_success": _bank("succeeded"),
    "pm_usBankAccount_dispute": _bank("succeeded"),
    "pm_usBankAccount_processing": _bank(""),
    "pm_usBankAccount_accountClosed": _bank_declined("account_closed"),
    "pm_usBankAccount_noAccount": _bank_declined("no_account"),
    "pm_usBankAccount_insufficientFunds": _bank_declined("insufficient_funds"),
    "pm_usBankAccount_debitNotAuthorized": _bank_declined("debit_not_authorized"),
    "pm_usBankAccount_invalidCurrency": _bank_declined("invalid_currency"),
}
