"""Starts that end early, on fakes: the caller leaves, the deadline passes, the provider is down."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from kit.auth import Principal, Role
from kit.testing import eventually
from kit.values import deadline
from payment.page.errors import PaymentNotReady
from payment.payments.domain import Payment
from payment.provider.errors import ProviderUnavailable
from payment.tests.one_order import OneOrder, world

__all__ = ["world"]


async def start(world: OneOrder) -> Payment:
    return await world.start.start(Principal(world.account_id, Role.USER, uuid4()), world.order_id)


def slow_provider(world: OneOrder) -> asyncio.Event:
    """Creating an intent takes until the returned event is set."""
    respond, create = asyncio.Event(), world.provider.create

    async def create_later(payment: Payment) -> Any:
        intent = await create(payment)
        await respond.wait()
        return intent

    world.provider.create = create_later  # type: ignore[method-assign]
    return respond


def counted_reads(world: OneOrder) -> list[None]:
    """Grows with every search for the order's payment."""
    reads: list[None] = []
    find: Callable[..., Awaitable[list[Payment]]] = world.store.find_by_orders

    async def find_and_count(*args: Any) -> list[Payment]:
        reads.append(None)
        return await find(*args)

    world.store.find_by_orders = find_and_count  # type: ignore[method-assign, assignment]
    return reads


async def test_a_start_whose_caller_leaves_is_completed_and_its_lease_ends(world: OneOrder) -> None:
    await world.place_for_page()
    respond = slow_provider(world)
    starting = asyncio.create_task(start(world))
    await eventually(lambda: world.provider.calls == ["create"])
    starting.cancel()
    await asyncio.wait([starting])
    respond.set()
    await eventually(lambda: bool(world.payment.client_secret))
    assert (await start(world)).attempts == 1
    assert world.provider.calls == ["create"]


async def test_a_start_after_one_that_took_too_long_waits_for_the_same_step(world: OneOrder) -> None:
    await world.place_for_page()
    respond = slow_provider(world)
    token = deadline.set(time.monotonic() + 0.6)
    with pytest.raises(PaymentNotReady):
        await start(world)
    deadline.reset(token)
    respond.set()
    assert (await start(world)).client_secret
    assert world.provider.calls == ["create"]


async def test_a_start_ends_at_once_while_the_provider_is_down(world: OneOrder) -> None:
    await world.place_for_page()
    world.provider.is_down = True
    reads = counted_reads(world)
    with pytest.raises(PaymentNotReady):
        await start(world)
    assert len(reads) == 1
    assert world.payment.attempts == 0


async def test_a_start_ends_when_its_call_shows_that_the_provider_is_down(world: OneOrder) -> None:
    await world.place_for_page()
    create = world.provider.create

    async def fail(payment: Payment) -> Any:
        world.provider.is_down = True
        return await create(payment)

    world.provider.create = fail  # type: ignore[method-assign]
    world.provider.errors = [ProviderUnavailable()]
    reads = counted_reads(world)
    with pytest.raises(PaymentNotReady):
        await start(world)
    assert len(reads) == 2
    # The lease is released: the payment is due after the retry delay.
    assert world.payment.due_time
    assert (world.payment.due_time - world.clock.now).total_seconds() < 1
