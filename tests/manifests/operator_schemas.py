"""Schemas of custom resources, limited to the fields that our manifests use: the complete ones are megabytes.

python -m tests.manifests.operator_schemas CRD.yaml...: regenerates the schemas of these definitions in operator_schemas.json. It must be
run again when a manifest uses a new field.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.lint.checkout import ROOT
from tests.manifests.manifests import PRODUCTION, Manifest, built

FILE = ROOT / "tests" / "manifests" / "operator_schemas.json"
OPERATORS = {
    "barmancloud.cnpg.io",
    "cert-manager.io",
    "elasticsearch.k8s.elastic.co",
    "gateway.networking.k8s.io",
    "kafka.strimzi.io",
    "monitoring.coreos.com",
    "postgresql.cnpg.io",
}
_COPIED_KEYS = (
    "type",
    "enum",
    "required",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)


def of_operators() -> list[Manifest]:
    """Our manifests of these operators."""
    monitoring = (ROOT / "k8s" / "components" / "monitoring").glob("*.yaml")
    manifests = [*built(PRODUCTION), *(yaml.safe_load(path.read_text()) for path in monitoring)]
    return [manifest for manifest in manifests if manifest["apiVersion"].split("/")[0] in OPERATORS]


def used(schema: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """The part of a schema that applies to these values; unknown fields are not allowed."""
    result = {key: schema[key] for key in _COPIED_KEYS if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    objects = [value for value in values if isinstance(value, dict)]
    names = sorted({name for value in objects for name in value})
    if "properties" in schema:
        properties = schema["properties"]
        result["properties"] = {
            name: used(properties[name], [value[name] for value in objects if name in value])
            for name in names
            if name in properties
        }
        result["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    elif isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = used(
            schema["additionalProperties"], [item for value in objects for item in value.values()]
        )
    if "items" in schema:
        result["items"] = used(
            schema["items"], [item for value in values if isinstance(value, list) for item in value]
        )
    return result


def main(paths: Sequence[str]) -> None:
    """Reads the definitions and writes the file; schemas of other definitions stay as they are."""
    objects = of_operators()
    schemas: dict[str, Any] = json.loads(FILE.read_text())
    for path in paths:
        for definition in yaml.safe_load_all(Path(path).read_text()):
            group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
            for version in definition["spec"]["versions"]:
                name = f"{group}/{version['name']}"
                ours = [
                    manifest
                    for manifest in objects
                    if (manifest["apiVersion"], manifest["kind"]) == (name, kind)
                ]
                if ours:
                    schema = used(version["schema"]["openAPIV3Schema"], ours)
                    schema["properties"]["metadata"] = {"type": "object"}
                    schemas[f"{name} {kind}"] = schema
    lines = [
        f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True)}"
        for name, schema in sorted(schemas.items())
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
