"""A buyer's page that confirms its payment while the provider fails: it repeats until the intent has a state that it cannot change."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Final

from tests.e2e.page import DECLINED_CARD, GOOD_CARD, confirm_in_page
from tests.e2e.responses import within
from tests.e2e.shop import Shop

_CARDS: Final = ([GOOD_CARD], [GOOD_CARD], [DECLINED_CARD, GOOD_CARD])
_MAX_SECONDS_PER_CARD: Final = 60.0


async def pay(shop: Shop, rng: random.Random, client_secret: str) -> None:
    """Tries a card, or two if the first is declined."""
    for card in rng.choice(_CARDS):
        await _confirm(shop, client_secret, card)


async def _confirm(shop: Shop, client_secret: str, card: str) -> None:
    async def is_settled() -> bool:
        try:
            answer = await confirm_in_page(shop, client_secret, card)
        except ValueError:  # the provider died while responding
            return False
        # An intent, declined or charged, or cancelled with its order.
        return bool(answer.get("object") == "payment_intent")

    # A buyer who gives up after that is no violation: the order is cancelled in time.
    with suppress(AssertionError):
        await within(_MAX_SECONDS_PER_CARD, is_settled, "the confirmation of a payment")
