"""When the circuit permits calls."""

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


def test_only_consecutive_failures_open_the_circuit() -> None:
    world = World()
    world.fails(2)
    world.call()
    world.fails(2)
    assert not world.is_open()
    world.fails(1)
    assert world.is_open()
    with pytest.raises(ProviderUnavailable):
        world.call()


def test_an_error_that_is_not_a_failure_counts_as_success() -> None:
    world = World()
    world.fails(2)
    with pytest.raises(NothingCaptured):
        world.call(NothingCaptured("declined"))
    world.fails(2)
    assert not world.is_open()


def test_a_successful_probe_closes_the_circuit() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    assert world.circuit.permits(16) == 1
    with world.circuit.guard():
        assert world.circuit.permits(16) == 0
        with pytest.raises(ProviderUnavailable):
            world.call()
    assert world.circuit.permits(16) == 16


def test_a_failed_probe_opens_the_circuit_again() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    world.fails(1)
    world.now += 9.9
    assert world.circuit.permits(16) == 0
    world.now += 0.1
    assert world.circuit.permits(16) == 1


def test_a_cancelled_probe_lets_the_next_call_probe() -> None:
    world = World()
    world.fails(3)
    world.now += 10
    with pytest.raises(asyncio.CancelledError):
        world.call(asyncio.CancelledError())
    assert world.circuit.permits(16) == 1
    world.call()
    assert not world.is_open()


def test_a_late_failure_of_an_earlier_call_does_not_extend_the_open_period() -> None:
    world = World()
    with pytest.raises(ProviderFailed), world.circuit.guard():
        world.fails(3)
        world.now += 5
        raise ProviderFailed
    world.now += 5
    assert world.circuit.permits(16) == 1
