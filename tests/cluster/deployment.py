"""Souk in a cluster, installed and operated as docs/operations says."""

import json
import os
import re
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from dev.ports import SERVICES
from tests.cluster.node import Node
from tests.cluster.processes import wait_for
from tests.upgrade.stack import ROLLOUT

NAMESPACE: Final = "ecommerce"
SERVER: Final = "app.kubernetes.io/component=server"
_IN: Final = f"--namespace={NAMESPACE}"
# What install.md says for a command of a service.
_PYTHON: Final = ("/usr/bin/python3.11", "-S", "-P", "-m")
_DATA: Final = ("postgresql", "redis", "kafka", "elasticsearch")
_READY_SECONDS: Final = 600


def deployment_of(service: str) -> str:
    """The name of a service's Deployment."""
    return "graphql-gateway" if service == "gateway" else service


class Deployment:
    """The namespace `ecommerce` of a node."""

    def __init__(self, node: Node, overlay: Path) -> None:
        """`overlay`: k8s/overlays/small."""
        self.node = node
        self._overlay = overlay

    def install(self, checkout: Path, tag: str = "latest") -> None:
        """The commands of install.md for a trial on a small machine; returns once everything is Ready."""
        self.node.kubectl("create", "-f", str(checkout / "k8s" / "00-namespace.yaml"))
        secrets = subprocess.run(
            ["bash", str(checkout / "k8s" / "make-secrets.sh")], check=True, capture_output=True, text=True
        )
        self.node.kubectl("create", "--filename=-", stdin=secrets.stdout)
        self.apply(checkout, tag)
        self.wait_until_ready()

    def apply(self, checkout: Path, tag: str = "latest", *options: str) -> None:
        """Applies the manifests of a checkout with images of this tag."""
        with tempfile.TemporaryDirectory(prefix="souk-overlay-") as folder:
            # Older commits have no overlay for small nodes, so this one's is put on their base.
            base = os.path.relpath(checkout / "k8s" / "base", Path(folder).resolve())
            overlay = (self._overlay / "kustomization.yaml").read_text().replace("../../base", base)
            Path(folder, "kustomization.yaml").write_text(overlay)
            manifests = self.node.kubectl("kustomize", folder)
        self.node.apply(re.sub(r"(image: souk/[\w-]+):latest", rf"\1:{tag}", manifests), *options)

    def upgrade(self, checkout: Path, tag: str = "latest") -> None:
        """As upgrade.md says for a small node; returns once no pod of the other version is left."""
        for service in ROLLOUT:
            self.apply(checkout, tag, f"--selector=app.kubernetes.io/name={service}")
            self.wait_until_rolled_out([service])
        self.apply(checkout, tag)
        self.wait_until_rolled_out(SERVICES)

    def roll_back(self) -> None:
        """As upgrade.md says; returns once no pod of the newer version is left."""
        for service in reversed(ROLLOUT):
            self.kubectl("rollout", "undo", f"deployment/{deployment_of(service)}")
            self.wait_until_rolled_out([service])

    def restart(self, service: str) -> None:
        """Replaces every pod of a service, and returns once that is done."""
        self.node.kubectl("rollout", "restart", _IN, f"deployment/{deployment_of(service)}")
        self.wait_until_rolled_out([service])

    def wait_until_ready(self) -> None:
        """Returns once every pod that there should be is Ready."""
        for name in _DATA:
            self._status(f"statefulset/{name}")
        self.wait_until_rolled_out(SERVICES)
        for name in ("mail", "stripe-mock"):
            self._status(f"deployment/{name}")
        # The autoscalers start the second replicas.
        wait_for(lambda: all(len(self.pods(name)) >= 2 for name in SERVICES), "two replicas", _READY_SECONDS)
        self.wait_until_rolled_out(SERVICES)

    def wait_until_rolled_out(self, services: Iterable[str]) -> None:
        """Returns once all pods of the services are of the current version and Ready."""
        for service in services:
            self._status(f"deployment/{deployment_of(service)}")

    def command(self, service: str, *arguments: str, stdin: str = "") -> str:
        """The output of a command of a service, run in one of its pods."""
        pod = f"deploy/{deployment_of(service)}"
        options = ["--stdin"] if stdin else []
        return self.node.kubectl(
            "exec",
            _IN,
            *options,
            pod,
            f"--container={service}",
            "--",
            *_PYTHON,
            service,
            *arguments,
            stdin=stdin,
        )

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """The output of kubectl in the namespace."""
        return self.node.kubectl(arguments[0], _IN, *arguments[1:], stdin=stdin)

    def pods(self, name: str = "", component: str = "") -> Sequence[Mapping[str, Any]]:
        """Pods that are not terminating, of a service or another component, or all."""
        labels = [f"app.kubernetes.io/name={name}"] if name else []
        labels += [f"app.kubernetes.io/component={component}"] if component else []
        if name in SERVICES and not component:
            labels.append(SERVER)
        listed = self.node.get("pods", _IN, *([f"--selector={','.join(labels)}"] if labels else []))
        return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]

    def address(self, name: str) -> str:
        """The address of a component: of its Service, or of its first pod if the Service has none."""
        service = json.loads(self.kubectl("get", f"service/{name}", "--output=json"))
        address: str = service["spec"]["clusterIP"]
        return str(self.pods(name)[0]["status"]["podIP"]) if address == "None" else address

    def secret(self, name: str, key: str) -> str:
        """A value of a Secret."""
        secret = yaml.safe_load(self.kubectl("get", f"secret/{name}", "--output=yaml"))
        return b64decode(secret["data"][key]).decode()

    def _status(self, what: str) -> None:
        self.node.kubectl("rollout", "status", _IN, what, f"--timeout={_READY_SECONDS}s")
