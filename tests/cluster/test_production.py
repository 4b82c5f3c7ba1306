"""The production overlay is accepted by an API server as the guide applies it, with the operators' definitions; no operator runs."""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.cluster.cluster import checkout
from tests.cluster.definitions import complete, copied
from tests.cluster.node import Node, programs

_SECRETS = {
    "STRIPE_API_KEY": "sk_live_test",
    "STRIPE_WEBHOOK_SECRET": "whsec_test",
    "REDIS_URL": "rediss://:password@redis.example.com:6379",
    "SMTP_USERNAME": "shop",
    "SMTP_PASSWORD": "password",
}


@pytest.fixture(scope="module")
def prepared(node: Node) -> Iterator[Node]:
    """The operators' definitions and the two namespaces, until the tests have run."""
    definitions = [
        *complete(programs() / "definitions"),
        *copied(checkout() / "tests" / "manifests" / "operator_schemas.json"),
    ]
    # `create`, because a definition is too long for the annotation of `apply`.
    node.kubectl("create", "--filename=-", stdin=yaml.safe_dump_all(definitions))
    node.wait("crd", "condition=Established", "--all")
    k8s = checkout() / "k8s"
    files = [k8s / "base" / "00-namespace.yaml", k8s / "overlays" / "production" / "data-namespace.yaml"]
    named = [f"--filename={file}" for file in files]
    node.kubectl("create", *named)
    yield node
    node.kubectl("delete", *named)
    node.kubectl("delete", "crd", "--all")


def test_the_api_server_accepts_every_secret(prepared: Node) -> None:
    made = subprocess.run(
        ["bash", str(checkout() / "k8s" / "make-secrets.sh"), "production"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **_SECRETS},
    )
    count = made.stdout.count("kind: Secret")
    assert accepted(prepared, made.stdout) == count


@pytest.mark.parametrize("folder", ["overlays/example", "components/monitoring"])
def test_the_api_server_accepts_every_object_without_a_warning(prepared: Node, folder: str) -> None:
    if folder == "overlays/example":
        manifests = prepared.kubectl("kustomize", str(checkout() / "k8s" / folder))
    else:
        # A component cannot be built alone.
        files = sorted((checkout() / "k8s" / folder).glob("*.yaml"))
        manifests = "\n---\n".join(file.read_text() for file in files if file.name != "kustomization.yaml")
    # Namespaces are there, by `create`.
    documents = filter(None, yaml.safe_load_all(manifests))
    objects = [document for document in documents if document["kind"] != "Namespace"]
    assert accepted(prepared, yaml.safe_dump_all(objects)) == len(objects)


def accepted(node: Node, manifests: str) -> int:
    """How many objects the API server would create or change; the fields of each are validated strictly."""
    options = ["--filename=-", "--dry-run=server", "--validate=strict"]
    result = node.try_kubectl("apply", *options, stdin=manifests)
    assert (result.returncode, result.stderr) == (0, "")
    return len(re.findall(r"\(server dry run\)$", result.stdout, re.MULTILINE))
