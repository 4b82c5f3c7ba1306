"""A buyer's page that confirms its payment while the provider fails: it repeats until the intent has a state that it cannot change."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import httpx

from tests.e2e.page import DECLINED_CARD, GOOD_CARD, confirm_in_page
from tests.e2e.shop import Shop

_CARDS: Final = ([GOOD_CARD], [GOOD_CARD], [DECLINED_CARD, GOOD_CARD])
_MAX_SECONDS_PER_CARD: Final = 60.0


async def pay(shop: Shop, rng: random.Random, client_secret: str) -> None:
    """Tries a card, or two if the first is declined."""
    for card in rng.choice(_CARDS):
        await _confirm(shop, client_secret, card)


async def _confirm(shop: Shop, client_secret: str, card: str) -> None:
    end = time.monotonic() + _MAX_SECONDS_PER_CARD
    while time.monotonic() < end:
        try:
            answer: Any = await confirm_in_page(shop, client_secret, card)
        except (httpx.TransportError, ValueError):  # the provider is down, or died while responding
            answer = {}
        # An intent, declined or charged, or cancelled with its order.
        if answer.get("object") == "payment_intent":
            return
        await asyncio.sleep(0.3)
