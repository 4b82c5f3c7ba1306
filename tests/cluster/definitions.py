"""Definitions of operators' objects, so that an API server accepts the production overlay.

Those that operators publish in Go modules are complete (third_party/kubernetes/crds). CloudNativePG's and Strimzi's could not be had from a
package registry: they are made of the copied parts in tests/manifests/operator_schemas.json, which are those that our manifests use.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

Definition = dict[str, Any]

_PLURALS: Final = {
    ("kafka.strimzi.io", "Kafka"): "kafkas",
    ("kafka.strimzi.io", "KafkaNodePool"): "kafkanodepools",
    ("kafka.strimzi.io", "KafkaUser"): "kafkausers",
    ("postgresql.cnpg.io", "Cluster"): "clusters",
    ("postgresql.cnpg.io", "Database"): "databases",
    ("postgresql.cnpg.io", "ScheduledBackup"): "scheduledbackups",
}


def complete(folder: Path) -> Iterator[Definition]:
    """The definitions in a folder."""
    for path in sorted(folder.glob("*.yaml")):
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def copied(schemas: Path) -> Iterator[Definition]:
    """Definitions of the kinds of which only parts are available; `schemas`: operator_schemas.json."""
    for name, schema in json.loads(schemas.read_text()).items():
        version, kind = name.split(" ")
        group, version = version.split("/")
        plural = _PLURALS.get((group, kind))
        if plural:
            yield _definition(group, version, kind, plural, structural(schema))


def structural(schema: Definition) -> Definition:
    """A JSON schema as a definition may have it; the API server itself rejects or reports fields that it does not list."""
    result = dict(schema)
    if schema.get("type") == ["integer", "string"]:
        del result["type"]
        result["x-kubernetes-int-or-string"] = True
    if schema == {"type": "object"}:
        # Of any fields, such as the configuration of Kafka.
        result["x-kubernetes-preserve-unknown-fields"] = True
    if "properties" in schema:
        result.pop("additionalProperties", None)
        result["properties"] = {
            # The API server has its own schema of metadata.
            name: value if name == "metadata" else structural(value)
            for name, value in schema["properties"].items()
        }
        if schema.get("additionalProperties"):
            result["x-kubernetes-preserve-unknown-fields"] = True
    elif isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = structural(schema["additionalProperties"])
    if "items" in schema:
        result["items"] = structural(schema["items"])
    return result


def _definition(group: str, version: str, kind: str, plural: str, schema: Definition) -> Definition:
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
            },
            "versions": [served],
        },
    }
