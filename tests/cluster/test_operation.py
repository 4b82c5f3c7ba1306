"""What the guide for operators says, done in a cluster: everything is Ready, the journey, and operators' commands."""

import httpx

from dev.ports import SERVICES
from tests.cluster.cluster import built, checkout
from tests.cluster.deployment import Deployment
from tests.cluster.images import souk_image
from tests.e2e.responses import within
from tests.e2e.shop import Person
from tests.e2e.test_journey import (
    test_a_declined_card_cancels_the_order_releases_the_stock_and_is_mailed,
    test_the_journey_of_the_readme,
)

__all__ = [
    "test_a_declined_card_cancels_the_order_releases_the_stock_and_is_mailed",
    "test_the_journey_of_the_readme",
]

# Within two minutes, says docs/operations/secrets.md.
_SECRET_SECONDS = 120


def test_every_image_is_the_one_that_was_built(souk: Deployment) -> None:
    available = souk.node.images()
    for name, layout in built(checkout()).items():
        assert available[souk_image(name)] == layout.digest
        config = layout.manifest["config"]["digest"]
        for pod in souk.pods(name):
            [status] = pod["status"]["containerStatuses"]
            assert status["imageID"] == config, name


def test_every_container_is_ready(souk: Deployment) -> None:
    pods = souk.pods()
    assert len(pods) == 2 * len(SERVICES) + 6
    for pod in pods:
        [status] = pod["status"]["containerStatuses"]
        assert status["ready"], pod["metadata"]["name"]
        if status["restartCount"]:
            print(f"\n{pod['metadata']['name']} was restarted {status['restartCount']} times while it waited")


def test_no_event_is_a_dead_letter(souk: Deployment) -> None:
    listed = [
        line
        for name in SERVICES
        for line in souk.command(name, "dead-letters").splitlines()
        if ".dlq." in line
    ]
    assert listed
    assert [line for line in listed if not line.endswith(": 0")] == []


def test_the_catalogue_is_indexed_again(souk: Deployment) -> None:
    assert "products indexed" in souk.command("catalog", "reindex")


async def test_signing_keys_are_rotated_while_tokens_stay_valid(souk: Deployment, admin: Person) -> None:
    rotated = souk.command("account", "rotate_keys", "-")
    [keys] = [line for line in rotated.splitlines() if line.startswith('{"keys": ')]
    name, created = "account-signing-keys", ["--dry-run=client", "--output=json"]
    content = f"--from-literal=signing-keys.json={keys}"
    secret = souk.kubectl("create", "secret", "generic", name, content, *created)
    souk.kubectl("replace", "--filename=-", stdin=secret)

    async def both_are_public() -> bool:
        async with httpx.AsyncClient() as client:
            urls = [
                f"http://{pod['status']['podIP']}:8080/.well-known/jwks.json" for pod in souk.pods("account")
            ]
            served = [(await client.get(url)).json()["keys"] for url in urls]
        return [len(keys) for keys in served] == [2] * len(served)

    await within(_SECRET_SECONDS, both_are_public, "the new key at every replica")
    assert (await admin.execute("query { me { id } }")).get("me")["id"] == admin.id
