"""Every image under podman with least privileges: the journey through two replicas of every service, also during a rolling restart."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bazel.oci.images import load
from dev.components import run_command
from dev.ports import SERVICES, Ports
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, state_folder
from tests.e2e.test_journey import (
    admin,
    shop,
    test_a_declined_card_cancels_the_order_releases_the_stock_and_is_mailed,
    test_an_order_survives_a_kill_of_its_service,
    test_the_journey_of_the_readme,
    test_the_same_key_is_one_order_and_one_charge,
)
from tests.images.balancer import Balancer
from tests.images.built import layouts
from tests.images.deployment import ADDRESSES, Container, Deployment
from tests.images.podman import Podman, private_podman
from tests.invariants.audit import check_all

# The first journey of README.md, on images.
__all__ = [
    "admin",
    "shop",
    "test_a_declined_card_cancels_the_order_releases_the_stock_and_is_mailed",
    "test_an_order_survives_a_kill_of_its_service",
    "test_the_journey_of_the_readme",
    "test_the_same_key_is_one_order_and_one_charge",
]

NONROOT = "65532"
SHOPPERS = 4
SETTLE_SECONDS = 90


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with private_podman() as podman, pytest.MonkeyPatch.context() as patch:
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
    port = deployment.ports.gateway
    async with Balancer([(address, port) for address in ADDRESSES]) as balancer:
        yield balancer


@pytest.fixture(scope="module")
def stack(deployment: Deployment, balancer: Balancer) -> StackUnderTest:
    return StackUnderTest(deployment.ports, deployment, balancer.url)


def test_every_service_passes_its_check(deployment: Deployment) -> None:
    for name in SERVICES:
        result = run_command(deployment.replicas[name][0], "--check", seconds=60)
        assert result.returncode == 0, f"{name}:\n{result.stdout}"


def test_containers_run_unprivileged_as_nonroot(deployment: Deployment) -> None:
    for container in deployment.containers:
        lines = Path("/proc", str(container.pid()), "status").read_text().splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        assert {int(status[f"Cap{name}"][0], 16) for name in ("Prm", "Eff", "Bnd", "Amb")} == {0}, (
            container.name
        )
        assert status["NoNewPrivs"] == ["1"], container.name
        if os.geteuid() == 0:
            assert set(status["Uid"]) == set(status["Gid"]) == {NONROOT}, container.name


def test_there_is_no_shell(podman: Podman) -> None:
    for shell in ("/bin/sh", "sh", "/bin/bash"):
        assert podman.run("souk/order", env={}, options=[f"--entrypoint={shell}"]).returncode == 127


@dataclass
class Shopper:
    """A shopper who keeps ordering, reading the order and searching; any error raises."""

    buyer: Person
    product: str
    orders: list[str] = field(default_factory=list)
    responses: int = 0

    async def run(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            order = await self.buyer.buy((self.product, 1), key=secrets.token_hex(8))
            self.orders.append(order["id"])
            assert (await self.buyer.order(order["id"]))["id"] == order["id"]
            await self.buyer.shop.search("mug")
            self.responses += 3
            await asyncio.sleep(0.1)


async def test_no_request_fails_while_every_replica_is_restarted(
    deployment: Deployment, balancer: Balancer, shop: Shop, admin: Person
) -> None:
    product = await admin.create_product(stock=100_000)
    shoppers = [Shopper(await shop.register(), product) for _ in range(SHOPPERS)]
    stopped = asyncio.Event()
    shopping = asyncio.gather(*(shopper.run(stopped) for shopper in shoppers))
    try:
        for replicas in deployment.replicas.values():
            for replica in replicas:
                before = sum(shopper.responses for shopper in shoppers)
                await roll(deployment, balancer, replica)
                assert not shopping.done(), shopping.exception()
                assert sum(shopper.responses for shopper in shoppers) > before, replica.name
    finally:
        stopped.set()
    await shopping

    orders = [(shopper.buyer, order) for shopper in shoppers for order in shopper.orders]
    print(f"{sum(shopper.responses for shopper in shoppers)} requests, {len(orders)} orders, none failed")
    for buyer, order in orders:
        await buyer.wait_for_status(order, "CONFIRMED", seconds=SETTLE_SECONDS)
    results = await check_all(deployment.ports, SETTLE_SECONDS)
    assert [str(result) for result in results if result.violations] == []


async def roll(deployment: Deployment, balancer: Balancer, replica: Container) -> None:
    """Restarts a replica. While that is a gateway, shoppers use the other one."""
    if replica.service == "gateway":
        async with balancer.without((replica.address, replica.port)):
            await asyncio.to_thread(deployment.roll, replica)
    else:
        await asyncio.to_thread(deployment.roll, replica)
