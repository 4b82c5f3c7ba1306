"""While shoppers order, services are rolled out, pods are deleted and the node is drained, and no request fails."""

import asyncio

import pytest

from dev.ports import SERVICES
from tests.cluster.configuration import NAME
from tests.cluster.deployment import SERVER, Deployment
from tests.cluster.processes import wait_for
from tests.cluster.shopping import People, shopping

_DRAIN_SECONDS = 300
_REQUESTS_WHILE_CLOSED = 200
_OVER_BUDGET = "would violate the pod's disruption budget"


@pytest.mark.parametrize("service", SERVICES)
async def test_no_request_fails_during_a_rollout(souk: Deployment, people: People, service: str) -> None:
    async with shopping(people) as traffic:
        with traffic.during(f"roll {service}"):
            await asyncio.to_thread(souk.restart, service)


async def test_no_request_fails_when_pods_are_deleted(souk: Deployment, people: People) -> None:
    async with shopping(people) as traffic:
        for service in SERVICES:
            with traffic.during(f"delete a pod of {service}"):
                pod = souk.pods(service)[0]["metadata"]["name"]
                await asyncio.to_thread(souk.kubectl, "delete", f"pod/{pod}")
                await asyncio.to_thread(souk.wait_until_rolled_out, [service])


async def test_no_request_fails_while_the_node_is_drained(souk: Deployment, people: People) -> None:
    """The replacements are Pending until the node is opened again, so each budget protects a service's last pod."""
    drain = [
        "drain",
        NAME,
        f"--pod-selector={SERVER}",
        "--delete-emptydir-data",
        f"--timeout={_DRAIN_SECONDS}s",
    ]
    before = {pod["metadata"]["name"] for name in SERVICES for pod in souk.pods(name)}

    def one_pod_of_each_is_evicted() -> bool:
        return all(
            len([pod for pod in souk.pods(name) if pod["metadata"]["name"] in before]) == 1
            for name in SERVICES
        )

    async with shopping(people) as traffic:
        draining = asyncio.create_task(asyncio.to_thread(souk.node.try_kubectl, *drain))
        with traffic.during("the node is closed"):
            await asyncio.to_thread(wait_for, one_pod_of_each_is_evicted, "the first evictions")
            enough = len(traffic.figures.requests) + _REQUESTS_WHILE_CLOSED
            await asyncio.to_thread(
                wait_for, lambda: len(traffic.figures.requests) >= enough, "requests while the node is closed"
            )
        with traffic.during("the node is open again"):
            await asyncio.to_thread(souk.node.kubectl, "uncordon", NAME)
            result = await draining
            await asyncio.to_thread(souk.wait_until_rolled_out, SERVICES)
    assert result.returncode == 0, result.stderr
    assert _OVER_BUDGET in result.stderr
    assert not before & {pod["metadata"]["name"] for name in SERVICES for pod in souk.pods(name)}
