"""When the circuit lets calls pass."""

import asyncio

import pytest

from payment.metrics import CIRCUIT_OPEN
from payment.payments.errors import NothingCaptured
from payment.provider.circuit import Circuit
from payment.provider.errors import ProviderFailed, ProviderUnavailable


class World:
    """A circuit that opens after three failures for ten seconds, and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.circuit = Circuit(
            failures=3,
            open_seconds=10,
            is_failure=lambda error: isinstance(error, ProviderFailed),
            monotonic=lambda: self.now,
        )

    def call(self, error: BaseException | None = None) -> None:
        with self.circuit.guard():
            if error is not None:
                raise error

    def fails(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(ProviderFailed):
                self.call(ProviderFailed())

    def is_open(self) -> bool:
        shown: float = next(iter(CIRCUIT_OPEN.collect())).samples[0].value
        assert bool(shown) == (self.circuit.permits(100) < 100)
        return bool(shown)


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    world = World()
    world.fails(2)
    world.call()
    world.fails(2)
    assert not world.is_open()
    world.fails(1)
    assert world.is_open()
    with pytest.raises(ProviderUnavailable):
        world.call()


def test_an_answer_that_is_no_failure_counts_as_one_that_came() -> None:
    world = World()
    world.fails(2)
    with pytest.raises(NothingCaptured):
        world.call(NothingCaptured("declined"))
    world.fails(2)
    assert not world.is_open()


def test_after_a_while_one_call_tries_and_closes_it() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    assert world.circuit.permits(16) == 1
    with world.circuit.guard():
        assert world.circuit.permits(16) == 0
        with pytest.raises(ProviderUnavailable):
            world.call()
    assert world.circuit.permits(16) == 16


def test_a_try_that_fails_opens_it_for_as_long_again() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    world.fails(1)
    world.now += 9.9
    assert world.circuit.permits(16) == 0
    world.now += 0.1
    assert world.circuit.permits(16) == 1


def test_a_try_that_is_broken_off_leaves_room_for_the_next() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    with pytest.raises(asyncio.CancelledError):
        world.call(asyncio.CancelledError())
    assert world.circuit.permits(16) == 1
    world.call()
    assert not world.is_open()


def test_a_late_failure_of_an_older_call_opens_it_no_longer() -> None:
    world = World()
    with pytest.raises(ProviderFailed), world.circuit.guard():
        world.fails(3)
        world.now += 5
        raise ProviderFailed
    world.now += 5
    assert world.circuit.permits(16) == 1
