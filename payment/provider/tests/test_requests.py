"""Our requests against Stripe's own stripe-mock, which validates their names, types and shapes by Stripe's OpenAPI description.

It responds with samples; what responses mean is tested in test_stripe.
"""

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import stripe

from kit.testing import FakeClock, eventually, free_port, wait_until
from kit.testing.process import port_open
from kit.values import Money
from payment.customers.stripe_customers import StripeCustomers
from payment.intents.domain import Confirmation
from payment.methods.stripe_cards import StripeCards
from payment.payments.domain import Payment
from payment.payments.refund import Refund
from payment.provider.stripe_client import Stripe
from payment.tests.fakes import new_payment, new_refund
from payment.tests.stripe_stub import adapter

_LOGGED = re.compile(r"Request: (\w+ \S+)\n(?:Request data.*\n)?Response: .*status=(\d+)")


def program() -> str:
    """The path of stripe-mock: beside the runfiles under Bazel, from the environment elsewhere."""
    return os.environ.get("SOUK_STRIPE_MOCK") or str(
        Path(os.environ["RUNFILES_DIR"], "go", "bin", "stripe-mock").resolve()
    )


@dataclass
class World:
    """The client, and the log of stripe-mock."""

    stripe: Stripe
    log: Path
    before: int
    payment: Payment

    @property
    def refund(self) -> Refund:
        return new_refund(self.payment, 100)

    async def responses(self, count: int) -> dict[str, str]:
        """Waits until stripe-mock has logged `count` requests of this test; returns the status of each."""

        async def logged() -> list[tuple[str, str]]:
            lines: list[tuple[str, str]] = _LOGGED.findall(self.log.read_text()[self.before :])
            return lines if len(lines) >= count else []

        return dict(await eventually(logged))


@pytest.fixture(scope="module")
def stripe_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port and the log of stripe-mock."""
    port, log = free_port(), tmp_path_factory.mktemp("stripe") / "stripe-mock.log"
    command = [program(), "-http-addr", f"127.0.0.1:{port}", "-https-addr", "127.0.0.1:0"]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: port_open(port), "stripe-mock", seconds=30)
            yield port, log
        finally:
            process.terminate()


@pytest.fixture
async def world(stripe_mock: tuple[int, Path]) -> AsyncIterator[World]:
    port, log = stripe_mock
    stripe = adapter(f"http://127.0.0.1:{port}")
    payment = replace(new_payment(FakeClock()), provider_id="pi_1")
    yield World(stripe, log, len(log.read_text()), payment)
    await stripe.close()


@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
async def test_stripe_accepts_the_request_that_creates_an_intent(world: World, currency: str) -> None:
    payment = replace(world.payment, amount=Money(1_000, currency))
    intent = await world.stripe.create(payment)
    assert intent.id.startswith("pi_")
    assert await world.responses(1) == {"POST /v1/payment_intents": "200"}


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_authenticationRequired", "pm_usBankAccount"])
async def test_stripe_accepts_the_requests_that_confirm_read_and_cancel_an_intent(
    world: World, method: str
) -> None:
    payment = replace(world.payment, payment_method=method)
    await world.stripe.confirm(payment)
    await world.stripe.retrieve(payment)
    await world.stripe.cancel(payment)
    assert await world.responses(3) == {
        "POST /v1/payment_intents/pi_1/confirm": "200",
        "GET /v1/payment_intents/pi_1": "200",
        "POST /v1/payment_intents/pi_1/cancel": "200",
    }


async def test_stripe_accepts_the_requests_that_make_and_read_a_refund(world: World) -> None:
    made = await world.stripe.refund(world.payment, world.refund)
    assert made.id.startswith("re_")
    assert await world.stripe.read_refund(world.payment, replace(world.refund, provider_id="re_1"))
    assert await world.stripe.read_refund(world.payment, world.refund) is None
    assert await world.responses(3) == {
        "POST /v1/refunds": "200",
        "GET /v1/refunds/re_1": "200",
        "GET /v1/refunds": "200",
    }


async def test_stripe_accepts_the_request_that_creates_an_intent_for_the_page_and_saves_its_card(
    world: World,
) -> None:
    payment = replace(world.payment, confirmation=Confirmation.CLIENT, save_method=True)
    intent = await world.stripe.create(payment, "cus_1")
    assert intent.client_secret
    assert await world.responses(1) == {"POST /v1/payment_intents": "200"}


async def test_stripe_accepts_the_request_that_counts_declines(world: World) -> None:
    assert await world.stripe._count_declines("pi_1") >= 0
    assert await StripeCards(world.stripe)._count_declines("seti_1") >= 0
    assert await world.responses(2) == {"GET /v1/charges": "200", "GET /v1/setup_attempts": "200"}


async def test_stripe_accepts_the_request_that_charges_a_saved_card(world: World) -> None:
    await world.stripe.confirm(world.payment, "pm_1")
    assert await world.responses(1) == {"POST /v1/payment_intents/pi_1/confirm": "200"}


async def test_stripe_accepts_the_requests_for_customers(world: World) -> None:
    customers = StripeCustomers(world.stripe)
    assert (await customers.create_customer(uuid4())).startswith("cus_")
    await customers.delete_customer("cus_1")
    assert await world.responses(2) == {"POST /v1/customers": "200", "DELETE /v1/customers/cus_1": "200"}


async def test_stripe_accepts_the_requests_for_setups_and_cards(world: World) -> None:
    cards = StripeCards(world.stripe)
    setup = await cards.create_setup("cus_1", "key")
    assert setup.client_secret
    await cards.read_setup("seti_1")
    await cards.cancel_setup("seti_1")
    await cards.charged_card("pi_1")
    await cards.detach("pm_1")
    assert await world.responses(5) == {
        "POST /v1/setup_intents": "200",
        "GET /v1/setup_intents/seti_1": "200",
        "POST /v1/setup_intents/seti_1/cancel": "200",
        "GET /v1/payment_intents/pi_1": "200",
        "POST /v1/payment_methods/pm_1/detach": "200",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "much", "currency": "usd"},
        {"amount": 1_000},
        {"amount": 1_000, "currency": "usd", "order": "ord_1"},
        {"amount": 1_000, "currency": "usd", "metadata": "ord_1"},
    ],
)
async def test_stripe_mock_rejects_unknown_parameters(world: World, wrong: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await world.stripe._intents.create_async(wrong)
