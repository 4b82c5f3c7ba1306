"""What is deployed, read for comparison with what the services say of themselves: their settings are the truth, manifests are checked.

Not here: a cluster. What Kubernetes makes of the manifests is known only as far as its schemas say.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from kit.settings import BaseSettings
from tests.lint.checkout import ROOT

SERVICES = ("account", "catalog", "gateway", "notification", "order", "payment")

BASE, PRODUCTION = "k8s/base", "k8s/overlays/production"

Manifest = dict[str, Any]


def go_program(name: str) -> str:
    """A program of third_party/go: beside the runfiles under Bazel, elsewhere where SOUK_GO_PROGRAMS says."""
    folder = os.environ.get("SOUK_GO_PROGRAMS") or str(Path(os.environ["RUNFILES_DIR"], "go", "bin"))
    return str(Path(folder, name).resolve())


def settings(service: str) -> type[BaseSettings]:
    """The settings class of a service."""
    found: type[BaseSettings] = import_module(f"{service}.settings").Settings
    return found


def variables(service: str) -> dict[str, bool]:
    """Every variable that a service knows, with whether it must be set outside development."""
    return {
        field.name.upper(): field.name != "profile" and field.metadata["setting"].default is MISSING
        for field in fields(settings(service))
    }


def secret_variables(service: str) -> set[str]:
    """Those of its variables whose values nobody may see."""
    return {each.name.upper() for each in fields(settings(service)) if each.metadata["setting"].secret}


@cache
def built(folder: str) -> tuple[Manifest, ...]:
    """What kustomize makes of a folder of the checkout."""
    done = subprocess.run(
        [go_program("kustomize"), "build", str(ROOT / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


@cache
def secrets(*words: str) -> dict[str, dict[str, str]]:
    """The Secrets of the namespace that k8s/make-secrets.sh makes."""
    given = {
        "STRIPE_API_KEY": "sk",
        "STRIPE_WEBHOOK_SECRET": "whsec",
        "REDIS_URL": "rediss://:p@redis.test:6379",
    }
    done = subprocess.run(
        ["bash", str(ROOT / "k8s" / "make-secrets.sh"), *words],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ) | given,
    )
    made = list(yaml.safe_load_all(done.stdout))
    return {
        secret["metadata"]["name"]: secret["stringData"]
        for secret in made
        if secret["metadata"]["namespace"] == "ecommerce"
    }


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The one of this kind and name."""
    return next(each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name)


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """Each workload's `kind/name` and its pod template."""
    for each in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        yield f"{each['kind']}/{each['metadata']['name']}", each["spec"]["template"]


def containers(template: Manifest) -> list[Manifest]:
    """All of a pod's containers, the first ones too."""
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def environment(
    container: Manifest, manifests: tuple[Manifest, ...], secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """What a container finds in its environment; raises KeyError when something it refers to is not there."""
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            told |= named(manifests, "ConfigMap", source["configMapRef"]["name"]).get("data", {})
        else:
            told |= secrets[source["secretRef"]["name"]]
    for entry in container.get("env", []):
        reference = entry.get("valueFrom", {}).get("secretKeyRef")
        told[entry["name"]] = secrets[reference["name"]][reference["key"]] if reference else entry["value"]
    return told


def matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects these labels."""
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In", "extend the test with this operator"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
