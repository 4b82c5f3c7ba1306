"""Fixtures, as a plugin of pytest, so that all modules share them: a node, Souk on it, and clients from outside."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bazel.oci.images import Layout
from dev.ports import SERVICES
from tests.cluster.archives import Archive
from tests.cluster.deployment import Deployment
from tests.cluster.images import souk_image, third_party_images, write_images
from tests.cluster.node import Node, programs
from tests.cluster.shopping import People, ProxiedShop, prepare
from tests.e2e.responses import within
from tests.e2e.shop import PASSWORD, Person, Shop

OLDER_TAG = "older"
_FIRST_SECONDS = 60


def checkout() -> Path:
    """The checkout whose manifests are applied."""
    return Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")).resolve()


def older_checkout() -> Path | None:
    """The checkout of an older commit, whose images are built; None if nothing is upgraded."""
    folder = os.environ.get("SOUK_OLDER")
    return Path(folder) if folder else None


def built(folder: Path) -> dict[str, Layout]:
    """The images of a checkout that Bazel has built, by name."""
    paths = {name: f"{name}/image" for name in SERVICES} | {"stripe-mock": "dev/stripe_mock/image"}
    return {name: Layout((folder / "bazel-bin" / path).resolve()) for name, path in paths.items()}


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints how long the block took."""
    started = time.monotonic()
    yield
    print(f"\n{what} after {time.monotonic() - started:.0f} s", flush=True)


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A running node with all images."""
    with tempfile.TemporaryDirectory(prefix="souk-cluster-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        scratch = state / "scratch"
        scratch.mkdir()
        with timed("Images written"):
            others = third_party_images(checkout())
            if older := older_checkout():
                others |= third_party_images(older)
            write_images(scratch / "images.tar", programs(), built(checkout()), others, scratch)
        node = Node(state / "node")
        try:
            with timed("Node Ready"):
                node.start(scratch / "images.tar")
            if older:
                import_older(node, older, scratch / "older.tar")
            shutil.rmtree(scratch)
            yield node
            node.check()
        finally:
            node.stop()


def import_older(node: Node, older: Path, archive: Path) -> None:
    """Makes the images of an older commit available, with a tag of their own."""
    with Archive(archive) as written:
        for name, layout in built(older).items():
            written.add_layout(layout, souk_image(name, OLDER_TAG))
    node.import_images(archive)


@pytest.fixture(scope="session")
def souk(node: Node) -> Deployment:
    """Souk, installed from the older commit if there is one, and Ready."""
    deployment = Deployment(node, checkout() / "k8s" / "overlays" / "small")
    older = older_checkout()
    with timed("Every pod Ready"):
        if older:
            deployment.install(older, OLDER_TAG)
        else:
            deployment.install(checkout())
    return deployment


@pytest.fixture(scope="session")
async def shop(souk: Deployment) -> AsyncIterator[Shop]:
    """A client of the gateway's Service, from outside of the cluster."""
    async with ProxiedShop(
        f"http://{souk.address('graphql-gateway')}:8080",
        mails=f"http://{souk.address('mail')}:1080",
        stripe=f"http://{souk.address('stripe-mock')}:8010",
    ) as shop:
        yield shop


@pytest.fixture(scope="session")
async def admin(shop: Shop, souk: Deployment) -> Person:
    """An ADMIN, made one as install.md says."""
    started = time.monotonic()

    async def register() -> Person:
        return await shop.register("Ada Admin", f"admin.{secrets.token_hex(6)}@example.com")

    # At the first start, callers notice a few seconds late that a service is Ready.
    person = await within(_FIRST_SECONDS, register, "the first registration")
    print(f"\nThe first registration succeeded {time.monotonic() - started:.1f} s after everything was Ready")
    assert "is ADMIN" in souk.command("account", "grant_admin", person.email)
    return await shop.login(person.email, PASSWORD)


@pytest.fixture(scope="session")
async def people(shop: Shop, admin: Person) -> People:
    """Shoppers with a page of products, accounts and orders."""
    return await prepare(shop, admin)
