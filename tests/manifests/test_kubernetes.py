"""The workloads in k8s/ are valid by Kubernetes' schemas and consistent with the settings of the services."""

import json
import re
from importlib import import_module
from pathlib import Path

import kubernetes_validate.utils
import pytest
import yaml
from jsonschema import Draft202012Validator

from kit.auth import SigningKeys
from kit.service import Service
from kit.settings import load
from tests.lint.checkout import ROOT
from tests.manifests.every import every_folder, folder_and_service
from tests.manifests.manifests import (
    BASE,
    PRODUCTION,
    SERVICES,
    built,
    deployment,
    matches,
    named,
    of_kind,
    pods,
    secrets,
    server,
    service_environment,
    settings,
    variables,
)
from tests.manifests.operator_schemas import FILE, OPERATORS, of_operators

# The package lists some versions twice.
VERSIONS = list(dict.fromkeys(kubernetes_validate.utils.all_versions()))[-3:]


def test_there_are_schemas_of_three_versions_of_kubernetes() -> None:
    assert len(VERSIONS) == 3


def gateway(folder: str) -> Service:
    """The gateway as it is deployed."""
    loaded = load(settings("gateway"), service_environment(folder, "gateway"))
    declared: Service = import_module("gateway.app").build(loaded)
    return declared


@pytest.mark.parametrize("version", VERSIONS)
@every_folder
def test_every_manifest_is_strictly_valid(folder: str, version: str) -> None:
    errors = []
    for manifest in built(folder):
        if manifest["apiVersion"].split("/")[0] not in OPERATORS:
            try:
                kubernetes_validate.utils.validate(manifest, version, strict=True)
            except kubernetes_validate.utils.ValidationError as error:
                errors.append(f"{manifest['kind']}/{manifest['metadata']['name']}: {error.message}")
    assert not errors


def test_custom_resources_are_strictly_valid() -> None:
    schemas = json.loads(FILE.read_text())
    errors = [
        f"{manifest['kind']}/{manifest['metadata']['name']}: {error.json_path} {error.message}"
        for manifest in of_operators()
        for error in Draft202012Validator(
            schemas[f"{manifest['apiVersion']} {manifest['kind']}"]
        ).iter_errors(manifest)
    ]
    assert not errors, "invalid, or a field that tests/manifests/operator_schemas.json does not have yet"


def test_applying_the_folder_applies_the_whole_base() -> None:
    listed = yaml.safe_load((ROOT / BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "k8s").glob("*.yaml"))
    for name in listed:
        assert (ROOT / "k8s" / name).resolve() == (ROOT / BASE / name).resolve()
    assert min(listed) == "00-namespace.yaml", "the namespace must be applied first"


@folder_and_service
def test_a_service_gets_only_known_variables_and_all_required_ones(folder: str, service: str) -> None:
    known = variables(service)
    names = set(service_environment(folder, service))
    assert names <= set(known), "unknown variables"
    assert {name for name, required in known.items() if required} <= names, "required variables"


@folder_and_service
def test_a_service_accepts_the_values(folder: str, service: str) -> None:
    loaded = load(settings(service), service_environment(folder, service))
    assert not loaded.is_development


@folder_and_service
def test_every_pod_of_a_service_migrates_first_with_the_environment_of_the_service(
    folder: str, service: str
) -> None:
    first = deployment(folder, service)["spec"]["template"]["spec"].get("initContainers", [])
    assert [container["name"] for container in first] == ([] if service == "gateway" else ["migrate"])
    for container in first:
        assert container["args"] == ["migrate"]
        assert container["image"] == server(folder, service)["image"]
        assert container["envFrom"] == server(folder, service)["envFrom"]
        assert container.get("volumeMounts") == server(folder, service).get("volumeMounts")


@every_folder
def test_another_version_can_be_applied_at_any_time(folder: str) -> None:
    """A Job's pods are immutable, so applying another image or setting fails until the Job is deleted."""
    assert not of_kind(built(folder), "Job")


def test_account_reads_the_generated_signing_keys(tmp_path: Path) -> None:
    file = tmp_path / "signing-keys.json"
    file.write_text(secrets()["account-signing-keys"]["signing-keys.json"])
    assert len(SigningKeys.load(file).keys) == 1
    mounted = named(built(BASE), "ConfigMap", "account")["data"]["SIGNING_KEYS_FILE"]
    mounts = {mount["name"]: mount["mountPath"] for mount in server(BASE, "account")["volumeMounts"]}
    assert mounted == f"{mounts['keys']}/{file.name}"


@folder_and_service
def test_ports_are_those_of_the_settings(folder: str, service: str) -> None:
    loaded = load(settings(service), service_environment(folder, service))
    ports = {port["name"]: port["containerPort"] for port in server(folder, service)["ports"]}
    expected = {"http": loaded.http_port} | ({} if service == "gateway" else {"grpc": loaded.grpc_port})
    assert ports == expected
    offered = named(built(folder), "Service", deployment(folder, service)["metadata"]["name"])["spec"][
        "ports"
    ]
    assert {port["targetPort"]: port["port"] for port in offered} == expected


def test_the_gateway_has_the_service_and_port_of_the_guide() -> None:
    service = named(built(BASE), "Service", "graphql-gateway")
    assert service["metadata"]["namespace"] == "ecommerce"
    assert [port["port"] for port in service["spec"]["ports"]] == [8080]


@folder_and_service
def test_probes_use_the_endpoints_of_the_service(folder: str, service: str) -> None:
    container = server(folder, service)
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    starts = container["startupProbe"]
    # The kubelet's gRPC probe does not support TLS.
    assert starts["httpGet"] == {"path": "/readyz", "port": "http"}
    # On startup a service waits up to a minute for its servers (kit/service/lifecycle.py), then the gateway for the services.
    awaited = gateway(folder).awaited_for.total_seconds() if service == "gateway" else 0
    assert starts["periodSeconds"] * starts["failureThreshold"] > 60 + awaited


@folder_and_service
def test_a_rollout_starts_a_replica_before_it_stops_another(folder: str, service: str) -> None:
    spec = deployment(folder, service)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in spec, "applying the manifest again would override the autoscaler"
    loaded = load(settings(service), service_environment(folder, service))
    drain, grace = loaded.drain_seconds.total_seconds(), loaded.shutdown_grace_seconds.total_seconds()
    assert drain >= 5, "the cluster's proxies need this long to remove the replica"
    watchdog = 10
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= drain + grace + watchdog


@folder_and_service
def test_a_service_has_an_autoscaler_and_a_disruption_budget(folder: str, service: str) -> None:
    workload = deployment(folder, service)
    name, labels = workload["metadata"]["name"], workload["spec"]["template"]["metadata"]["labels"]
    scaler = named(built(folder), "HorizontalPodAutoscaler", name)["spec"]
    assert scaler["scaleTargetRef"]["name"] == name
    assert scaler["minReplicas"] >= (3 if folder == PRODUCTION else 2)
    assert matches(named(built(folder), "PodDisruptionBudget", name)["spec"]["selector"], labels)
    assert len(workload["spec"]["template"]["spec"]["topologySpreadConstraints"]) == 2


@every_folder
def test_the_gateway_is_ready_once_every_service_has_responded(folder: str) -> None:
    declared = gateway(folder)
    assert declared.awaited_for.total_seconds() > 0
    awaited = {resource.name for resource in declared.awaited}
    assert {service for service in SERVICES if service != "gateway"} <= awaited
    # Later one may be down without taking every gateway out of service.
    assert awaited <= {resource.name for resource in declared.optional}


@every_folder
def test_names_do_not_disappear_while_no_pod_is_ready(folder: str) -> None:
    """A DNS server would cache that for up to 30 s, in which callers do not find pods that are ready again."""
    for service in of_kind(built(folder), "Service"):
        if service["spec"].get("clusterIP") == "None":
            assert service["spec"].get("publishNotReadyAddresses"), service["metadata"]["name"]


@every_folder
def test_services_select_existing_pods(folder: str) -> None:
    labels = [template["metadata"]["labels"] for _, template in pods(built(folder))]
    for service in of_kind(built(folder), "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        selected = [pod_labels for pod_labels in labels if matches(selector, pod_labels)]
        assert len(selected) == 1, f"{service['metadata']['name']} selects {selected}"


@every_folder
def test_all_replicas_of_payment_together_keep_the_providers_rate_limit(folder: str) -> None:
    max_replicas: int = named(built(folder), "HorizontalPodAutoscaler", "payment")["spec"]["maxReplicas"]
    assert max_replicas * float(service_environment(folder, "payment")["CHARGES_PER_SECOND"]) <= 50


@every_folder
def test_the_database_has_connections_for_all_replicas(folder: str) -> None:
    """As in docs/operations/scale.md: seven per pod (a pool of five, the relay's, a migration's), and one more pod during a rollout."""
    owners = [service for service in SERVICES if "DATABASE_URL" in service_environment(folder, service)]
    max_replicas = [
        named(built(folder), "HorizontalPodAutoscaler", service)["spec"]["maxReplicas"] for service in owners
    ]
    if folder == PRODUCTION:
        available = int(
            named(built(folder), "Cluster", "postgresql")["spec"]["postgresql"]["parameters"][
                "max_connections"
            ]
        )
    else:
        args = " ".join(dict(pods(built(folder)))["StatefulSet/postgresql"]["spec"]["containers"][0]["args"])
        available = int(re.findall(r"max_connections=(\d+)", args)[0])
    assert sum(7 * (replicas + 1) for replicas in max_replicas) < available


def test_orders_that_name_no_payment_method_are_paid_in_trials_and_declined_in_production() -> None:
    method = "DEFAULT_PAYMENT_METHOD"
    assert service_environment(BASE, "payment")[method] == "pm_card_visa"
    assert method not in service_environment(PRODUCTION, "payment")
