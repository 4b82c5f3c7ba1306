"""Schemas of operators' objects, as far as our manifests use them: Kubernetes has none of theirs, and whole ones are megabytes.

python -m tests.manifests.operator_schemas CRD.yaml... : writes operator_schemas.json anew from custom resource definitions, of each
the fields that k8s/ uses. A field that a manifest begins to use is unknown until then.
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
    "cert-manager.io",
    "elasticsearch.k8s.elastic.co",
    "kafka.strimzi.io",
    "monitoring.coreos.com",
    "postgresql.cnpg.io",
}
_KEPT = (
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
    """Our objects of their kinds."""
    monitoring = (ROOT / "k8s" / "components" / "monitoring").glob("*.yaml")
    manifests = [*built(PRODUCTION), *(yaml.safe_load(path.read_text()) for path in monitoring)]
    return [each for each in manifests if each["apiVersion"].split("/")[0] in OPERATORS]


def used(schema: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """What of a definition's schema says something of these values, closed to fields that it does not know."""
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        kept["type"] = ["integer", "string"]
    objects = [value for value in values if isinstance(value, dict)]
    names = sorted({name for value in objects for name in value})
    if "properties" in schema:
        known = schema["properties"]
        kept["properties"] = {
            name: used(known[name], [value[name] for value in objects if name in value])
            for name in names
            if name in known
        }
        kept["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = used(
            schema["additionalProperties"], [each for value in objects for each in value.values()]
        )
    if "items" in schema:
        kept["items"] = used(
            schema["items"], [each for value in values if isinstance(value, list) for each in value]
        )
    return kept


def main(paths: Sequence[str]) -> None:
    """Reads the definitions, writes the file."""
    objects = of_operators()
    found: dict[str, Any] = {}
    for path in paths:
        for definition in yaml.safe_load_all(Path(path).read_text()):
            group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
            for version in definition["spec"]["versions"]:
                name = f"{group}/{version['name']}"
                ours = [each for each in objects if (each["apiVersion"], each["kind"]) == (name, kind)]
                if ours:
                    schema = used(version["schema"]["openAPIV3Schema"], ours)
                    schema["properties"]["metadata"] = {"type": "object"}
                    found[f"{name} {kind}"] = schema
    lines = [
        f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True)}" for name, schema in sorted(found.items())
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
