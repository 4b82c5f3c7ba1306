"""Definitions that are made of the copied parts of operators' schemas."""

import json
from typing import Any

from tests.cluster.definitions import copied
from tests.lint.checkout import ROOT

SCHEMAS = ROOT / "tests" / "manifests" / "operator_schemas.json"
# Complete in Go modules (third_party/kubernetes/crds).
COMPLETE = {
    "barmancloud.cnpg.io",
    "cert-manager.io",
    "elasticsearch.k8s.elastic.co",
    "gateway.networking.k8s.io",
    "monitoring.coreos.com",
}


def test_every_kind_of_our_manifests_has_a_definition() -> None:
    made = {
        f"{definition['spec']['group']}/{version['name']} {definition['spec']['names']['kind']}"
        for definition in copied(SCHEMAS)
        for version in definition["spec"]["versions"]
    }
    assert made == {name for name in json.loads(SCHEMAS.read_text()) if name.split("/")[0] not in COMPLETE}
    assert made


def schema_of(name: str) -> dict[str, Any]:
    """The fields of a definition's objects."""
    [definition] = [match for match in copied(SCHEMAS) if match["metadata"]["name"] == name]
    properties: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return properties


def test_a_quantity_is_a_number_or_a_string() -> None:
    spec = schema_of("clusters.postgresql.cnpg.io")["spec"]["properties"]
    quantity = spec["resources"]["properties"]["limits"]["additionalProperties"]
    assert quantity["x-kubernetes-int-or-string"]
    assert "type" not in quantity


def test_an_object_without_a_schema_may_have_any_fields() -> None:
    schema = schema_of("kafkas.kafka.strimzi.io")
    kafka = schema["spec"]["properties"]["kafka"]["properties"]
    assert kafka["config"]["x-kubernetes-preserve-unknown-fields"]
    assert schema["metadata"] == {"type": "object"}
