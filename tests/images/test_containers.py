"""Every image under podman, as unprivileged as can be: the journey through two replicas of each service, also while they are rolled."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bazel.oci.images import load
from dev.parts import run_command
from dev.ports import SERVICES, Ports
from tests.e2e.ground import Ground, state_folder
from tests.e2e.shop import Person, Shop
from tests.e2e.test_journey import (
    admin,
    shop,
    test_a_declined_card_cancels_gives_the_stock_back_and_says_so,
    test_an_order_outlives_a_kill_of_its_service,
    test_the_journey_word_for_word,
    test_the_same_key_is_one_order_and_one_charge,
)
from tests.images.built import layouts
from tests.images.deployment import Balancer, Container, Deployment
from tests.images.podman import Podman, podman_of_its_own
from tests.invariants.audit import judge

# The first journey of README.md, on images.
__all__ = [
    "admin",
    "shop",
    "test_a_declined_card_cancels_gives_the_stock_back_and_says_so",
    "test_an_order_outlives_a_kill_of_its_service",
    "test_the_journey_word_for_word",
    "test_the_same_key_is_one_order_and_one_charge",
]

NONROOT = "65532"
SHOPPERS = 4
SETTLED_SECONDS = 90


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with podman_of_its_own() as podman, pytest.MonkeyPatch.context() as patch:
        for name, value in podman.environment.items():
            patch.setenv(name, value)
        for layout in layouts().values():
            load(layout)
        yield podman


@pytest.fixture(scope="module")
def deployment(podman: Podman) -> Iterator[Deployment]:
    with state_folder() as state:
        deployment = Deployment(podman, Ports.free(), state)
        try:
            deployment.start()
            yield deployment
        finally:
            deployment.stop()


@pytest.fixture(scope="module")
async def balancer(deployment: Deployment) -> AsyncIterator[Balancer]:
    async with Balancer(deployment.ports.gateway) as balancer:
        yield balancer


@pytest.fixture(scope="module")
def ground(deployment: Deployment, balancer: Balancer) -> Ground:
    return Ground(deployment.ports, deployment, balancer.url)


def test_every_service_checks_itself(deployment: Deployment) -> None:
    for name in SERVICES:
        done = run_command(deployment.replicas[name][0], "--check", seconds=60)
        assert done.returncode == 0, f"{name}:\n{done.stdout}"


def test_nobody_runs_them_and_they_may_do_nothing(deployment: Deployment) -> None:
    for container in deployment.containers:
        lines = Path("/proc", str(container.pid()), "status").read_text().splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        assert {int(status[f"Cap{which}"][0], 16) for which in ("Prm", "Eff", "Bnd", "Amb")} == {0}, (
            container.name
        )
        assert status["NoNewPrivs"] == ["1"], container.name
        if os.geteuid() == 0:
            assert set(status["Uid"]) == set(status["Gid"]) == {NONROOT}, container.name


def test_there_is_no_shell(podman: Podman) -> None:
    for shell in ("/bin/sh", "sh", "/bin/bash"):
        assert podman.run("souk/order", env={}, options=[f"--entrypoint={shell}"]).returncode == 127


@dataclass
class Shopping:
    """One shopper who searches, orders and looks, again and again; what was not answered well raises."""

    buyer: Person
    product: str
    orders: list[str] = field(default_factory=list)
    answered: int = 0

    async def go_on(self, until: asyncio.Event) -> None:
        while not until.is_set():
            order = await self.buyer.buy((self.product, 1), key=secrets.token_hex(8))
            self.orders.append(order["id"])
            assert (await self.buyer.order(order["id"]))["id"] == order["id"]
            await self.buyer.shop.search("mug")
            self.answered += 3
            await asyncio.sleep(0.1)


async def test_no_request_fails_while_every_replica_is_rolled(
    deployment: Deployment, balancer: Balancer, shop: Shop, admin: Person
) -> None:
    product = await admin.create_product(stock=100_000)
    shoppers = [Shopping(await shop.register(), product) for _ in range(SHOPPERS)]
    until = asyncio.Event()
    going = asyncio.gather(*(shopper.go_on(until) for shopper in shoppers))
    try:
        for replicas in deployment.replicas.values():
            for replica in replicas:
                before = sum(shopper.answered for shopper in shoppers)
                await rolled(deployment, balancer, replica)
                assert not going.done(), going.exception()
                assert sum(shopper.answered for shopper in shoppers) > before, replica.name
    finally:
        until.set()
    await going

    orders = [(shopper.buyer, order) for shopper in shoppers for order in shopper.orders]
    print(f"{sum(shopper.answered for shopper in shoppers)} requests, {len(orders)} orders, none failed")
    for buyer, order in orders:
        await buyer.sees(order, "CONFIRMED", seconds=SETTLED_SECONDS)
    verdicts = await judge(deployment.ports, SETTLED_SECONDS)
    assert [str(verdict) for verdict in verdicts if verdict.violations] == []


async def rolled(deployment: Deployment, balancer: Balancer, replica: Container) -> None:
    """Ends a replica and starts it again; shoppers are sent to the other gateway meanwhile."""
    if replica.service == "gateway":
        async with balancer.without(replica.address):
            await asyncio.to_thread(deployment.roll, replica)
    else:
        await asyncio.to_thread(deployment.roll, replica)
