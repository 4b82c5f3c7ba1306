"""A new version under traffic, from an older commit's manifests and images: there, back, and there again."""

import asyncio

import pytest

from tests.cluster.cluster import checkout, older_checkout
from tests.cluster.deployment import Deployment
from tests.cluster.shopping import People, shopping


@pytest.mark.skipif(older_checkout() is None, reason="no older commit: pass --from")
async def test_no_request_fails_during_an_upgrade_and_its_rollback(souk: Deployment, people: People) -> None:
    async with shopping(people) as traffic:
        with traffic.during("upgrade"):
            await asyncio.to_thread(souk.upgrade, checkout())
    async with shopping(people) as traffic:
        with traffic.during("rollback"):
            await asyncio.to_thread(souk.roll_back)
    async with shopping(people) as traffic:
        with traffic.during("upgrade again"):
            await asyncio.to_thread(souk.upgrade, checkout())
