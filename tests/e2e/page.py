"""What a buyer's page does: starts the payment and confirms it at the provider, as often as a client would."""

from collections.abc import Sequence
from typing import Any, Final

from tests.e2e.responses import within
from tests.e2e.shop import Person

GOOD_CARD: Final = "4242424242424242"
DECLINED_CARD: Final = "4000000000000002"
BANK_ASKS_CARD: Final = "4000002760003184"
START_PAYMENT: Final = (
    "mutation($id: ID!) { startPayment(orderId: $id) { id status clientSecret failureCode payBefore } }"
)


async def start_payment(buyer: Person, order_id: str, seconds: float = 60) -> Any:
    """The payment with its clientSecret, as soon as it is ready."""

    async def start() -> Any:
        return (await buyer.execute(START_PAYMENT, id=order_id)).get("startPayment")

    return await within(seconds, start, "the client secret")


async def pay_in_page(buyer: Person, order_id: str, cards: Sequence[str], seconds: float = 60) -> None:
    """Tries one card after the other until one is charged; a bank that asks is answered."""
    payment = await start_payment(buyer, order_id, seconds)
    for card in cards:
        intent = await buyer.shop.confirm_in_page(payment["clientSecret"], card)
        if intent["status"] == "requires_action":
            intent = await buyer.shop.answer_bank(intent["id"])
        if intent["status"] == "succeeded":
            return
