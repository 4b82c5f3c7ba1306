"""Reads the manifests, to compare them with the settings of the services.

There is no cluster: what Kubernetes does with the manifests is known only as far as its schemas say.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kit.settings import BaseSettings
from tests.lint.checkout import ROOT

SERVICES = ("account", "catalog", "gateway", "notification", "order", "payment")

BASE, PRODUCTION = "k8s/base", "k8s/overlays/production"
# Folders, and the arguments of k8s/make-secrets.sh for them.
FOLDERS = {BASE: (), PRODUCTION: ("production",)}

# With a character that YAML and shells treat in a special way.
SMTP_PASSWORD = "it's $HOME\\"

Manifest = dict[str, Any]


def go_program(name: str) -> str:
    """A program of third_party/go, from Bazel's runfiles or the folder SOUK_GO_PROGRAMS."""
    folder = os.environ.get("SOUK_GO_PROGRAMS") or str(Path(os.environ["RUNFILES_DIR"], "go", "bin"))
    return str(Path(folder, name).resolve())


def bootstrap_needs() -> list[str]:
    """Lines `<command or file> <package>` of dev/bootstrap.sh."""
    text = (ROOT / "dev" / "bootstrap.sh").read_text()
    return re.findall(r'^  "(\S+ \S+)"$', text, re.MULTILINE)


def settings(service: str) -> type[BaseSettings]:
    """The settings class of a service."""
    cls: type[BaseSettings] = import_module(f"{service}.settings").Settings
    return cls


def variables(service: str) -> dict[str, bool]:
    """All variables of a service, and whether they must be set outside development."""
    return {
        field.name.upper(): field.name != "profile" and field.metadata["setting"].default is MISSING
        for field in fields(settings(service))
    }


def secret_variables(service: str) -> set[str]:
    """The variables of a service that are secret."""
    return {field.name.upper() for field in fields(settings(service)) if field.metadata["setting"].secret}


@cache
def built(folder: str) -> tuple[Manifest, ...]:
    """The manifests that kustomize builds from a folder."""
    result = subprocess.run(
        [go_program("kustomize"), "build", str(ROOT / folder)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return tuple(document for document in yaml.safe_load_all(result.stdout) if document)


@cache
def secrets(*args: str) -> dict[str, dict[str, str]]:
    """The Secrets that k8s/make-secrets.sh generates for the namespace of the services."""
    inputs = {
        "STRIPE_API_KEY": "sk",
        "STRIPE_WEBHOOK_SECRET": "whsec",
        "REDIS_URL": "rediss://:p@redis.test:6379",
        "SMTP_USERNAME": "shop",
        "SMTP_PASSWORD": SMTP_PASSWORD,
    }
    result = subprocess.run(
        ["bash", str(ROOT / "k8s" / "make-secrets.sh"), *args],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ) | inputs,
    )
    generated = list(yaml.safe_load_all(result.stdout))
    return {
        secret["metadata"]["name"]: secret["stringData"]
        for secret in generated
        if secret["metadata"]["namespace"] == "ecommerce"
    }


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """The manifests of these kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The manifest of this kind and name."""
    return next(manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name)


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """`kind/name` and the pod template of every workload."""
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        yield f"{workload['kind']}/{workload['metadata']['name']}", workload["spec"]["template"]


def containers(template: Manifest) -> list[Manifest]:
    """All containers of a pod, including init containers."""
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def environment(
    container: Manifest, manifests: tuple[Manifest, ...], secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The environment of a container; raises KeyError for a missing reference."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            values |= named(manifests, "ConfigMap", source["configMapRef"]["name"]).get("data", {})
        else:
            values |= secrets[source["secretRef"]["name"]]
    for entry in container.get("env", []):
        reference = entry.get("valueFrom", {}).get("secretKeyRef")
        values[entry["name"]] = secrets[reference["name"]][reference["key"]] if reference else entry["value"]
    return values


def matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects these labels."""
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In", "extend the test with this operator"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def deployment(folder: str, service: str) -> Manifest:
    """The Deployment of a service."""
    return named(built(folder), "Deployment", "graphql-gateway" if service == "gateway" else service)


def server(folder: str, service: str) -> Manifest:
    """The container that runs the service."""
    container: Manifest = deployment(folder, service)["spec"]["template"]["spec"]["containers"][0]
    return container


def service_environment(folder: str, service: str) -> dict[str, str]:
    """The environment of a service."""
    return environment(server(folder, service), built(folder), secrets(*FOLDERS[folder]))


def addresses(values: Mapping[str, str]) -> set[tuple[str, int]]:
    """Hosts and ports in an environment: URLs and host:port."""
    result = set()
    for name, value in values.items():
        if plain := re.fullmatch(r"(?:tls://)?([a-z0-9.-]+):(\d+)(?:\?.*)?", value):
            result.add((plain[1], int(plain[2])))
        elif (value.startswith("http") and name != "SHOP_URL") or name in ("DATABASE_URL", "REDIS_URL"):
            url = urlsplit(value)
            result.add((url.hostname or "", url.port or 443))
    if "SMTP_HOST" in values:
        result.add((values["SMTP_HOST"], int(values["SMTP_PORT"])))
    return result
