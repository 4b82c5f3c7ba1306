"""What a buyer's page does: starts the payment and confirms it at the provider, as often as a client would."""

from collections.abc import Sequence
from typing import Any, Final

from tests.e2e.responses import within
from tests.e2e.shop import Person, Shop

GOOD_CARD: Final = "4242424242424242"
DECLINED_CARD: Final = "4000000000000002"
BANK_ASKS_CARD: Final = "4000002760003184"
START_PAYMENT: Final = (
    "mutation($id: ID!) { startPayment(orderId: $id) { id status clientSecret failureCode payBefore } }"
)

START_SAVING: Final = "mutation { startSavingPaymentMethod { clientSecret } }"
DELETE_METHOD: Final = "mutation($id: ID!) { deletePaymentMethod(id: $id) }"
METHODS: Final = "{ me { paymentMethods { id brand last4 isDefault } } }"


async def start_payment(buyer: Person, order_id: str, seconds: float = 60) -> Any:
    """The payment with its clientSecret, as soon as it is ready."""

    async def start() -> Any:
        return (await buyer.execute(START_PAYMENT, id=order_id)).get("startPayment")

    return await within(seconds, start, "the client secret")


async def confirm_in_page(shop: Shop, client_secret: str, card: str) -> Any:
    """Confirms an intent with a card number, as the provider's script does; returns the intent, declined or not."""
    intent_id = client_secret.partition("_secret_")[0]
    kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
    form = {"key": "pk_test_souk", "client_secret": client_secret, "payment_method_data[type]": "card"}
    form["payment_method_data[card][number]"] = card
    answer = await shop.ask_provider("POST", f"/v1/{kind}s/{intent_id}/confirm", data=form)
    return answer.get("error", {}).get(kind, answer)


async def answer_bank(buyer: Person, intent_id: str, *, passes: bool = True) -> Any:
    """Allows or rejects a payment at the bank's page; returns the intent."""
    path = f"/mock/authenticate/{intent_id}?passes={str(passes).lower()}"
    return await buyer.shop.ask_provider("GET", path)


async def save_method(buyer: Person, card: str = GOOD_CARD) -> str:
    """Saves a card and returns its id; those that were saved before are deleted first, because an account has ten."""
    for method_id in await saved_methods(buyer):
        await buyer.execute(DELETE_METHOD, id=method_id)
    started = (await buyer.execute(START_SAVING)).get("startSavingPaymentMethod")
    setup = await confirm_in_page(buyer.shop, started["clientSecret"], card)
    if setup["status"] == "requires_action":
        await answer_bank(buyer, setup["id"])

    async def listed() -> str:
        return next(iter(await saved_methods(buyer)), "")

    return await within(60, listed, "the saved method")


async def saved_methods(buyer: Person) -> list[str]:
    """The ids of the buyer's methods."""
    methods = (await buyer.execute(METHODS)).get("me")["paymentMethods"]
    return [str(method["id"]) for method in methods]


async def pay_in_page(buyer: Person, order_id: str, cards: Sequence[str], seconds: float = 60) -> None:
    """Tries one card after the other until one is charged; a bank that asks is answered."""
    payment = await start_payment(buyer, order_id, seconds)
    for card in cards:
        intent = await confirm_in_page(buyer.shop, payment["clientSecret"], card)
        if intent["status"] == "requires_action":
            intent = await answer_bank(buyer, intent["id"])
        if intent["status"] == "succeeded":
            return
