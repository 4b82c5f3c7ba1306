"""Every image is pushed to a registry, which then returns the digest that was built, and the SBOM."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bazel.oci.images import push
from kit.testing import ChildProcess, free_port, wait_until
from kit.testing.process import port_open
from tests.images.built import layouts

# The name in Debian, and the original name.
REGISTRY = shutil.which("docker-registry") or "registry"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry."""
    port = free_port()
    config = tmp_path / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "data")}}
    config.write_text(
        json.dumps({"version": "0.1", "storage": storage, "http": {"addr": f"127.0.0.1:{port}"}})
    )
    server = ChildProcess("registry", [REGISTRY, "serve", str(config)], log=tmp_path / "registry.log")
    try:
        wait_until(lambda: port_open(port), "the registry ready")
        yield f"127.0.0.1:{port}"
    finally:
        server.stop()


def test_a_registry_returns_the_digest_that_was_built_and_the_sbom(registry: str) -> None:
    for layout in layouts().values():
        reference = push(layout, f"{registry}/{layout.name}:test")

        assert reference.endswith(f"@{layout.digest}")
        tagged = f"docker://{reference.partition('@')[0]}"
        inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", tagged]
        assert subprocess.run(inspect, check=True, capture_output=True).stdout == layout.blob(layout.digest)
        url = f"http://{registry}/v2/{layout.name}/manifests/{layout.sbom}"
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=accept)) as response:
            assert json.load(response)["subject"]["digest"] == layout.digest
