"""The workloads in k8s/ are valid by Kubernetes' schemas and consistent with the settings of the services."""

import json
import re
from pathlib import Path

import kubernetes_validate.utils
import pytest
import yaml
from jsonschema import Draft202012Validator

from catalog.indexing.definition import PLUGINS
from kit.auth import SigningKeys
from kit.settings import load
from tests.lint.checkout import ROOT
from tests.manifests.manifests import (
    BASE,
    FOLDERS,
    PRODUCTION,
    SERVICES,
    built,
    containers,
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
folder_and_service = pytest.mark.parametrize(
    ("folder", "service"), [(folder, service) for folder in FOLDERS for service in SERVICES]
)
every_folder = pytest.mark.parametrize("folder", FOLDERS)


def test_there_are_schemas_of_three_versions_of_kubernetes() -> None:
    assert len(VERSIONS) == 3


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
def test_migrations_get_the_environment_of_the_service(folder: str, service: str) -> None:
    if service == "gateway":
        return
    job = named(built(folder), "Job", f"{service}-migrate")["spec"]["template"]["spec"]["containers"][0]
    first = deployment(folder, service)["spec"]["template"]["spec"]["initContainers"][0]
    for container in (job, first):
        assert container["args"] == ["migrate"]
        assert container["image"] == server(folder, service)["image"]
        assert container["envFrom"] == server(folder, service)["envFrom"]
        assert container.get("volumeMounts") == server(folder, service).get("volumeMounts")


def test_account_reads_the_generated_signing_keys(tmp_path: Path) -> None:
    file = tmp_path / "signing-keys.json"
    file.write_text(secrets()["account-signing-keys"]["signing-keys.json"])
    assert len(SigningKeys.load(file).keys) == 1
    mounted = named(built(BASE), "ConfigMap", "account")["data"]["SIGNING_KEYS_FILE"]
    mounts = {mount["name"]: mount["mountPath"] for mount in server(BASE, "account")["volumeMounts"]}
    assert mounted == f"{mounts['keys']}/{file.name}"


def test_no_secret_is_in_a_manifest() -> None:
    secret = {"DATABASE_URL", "MAIL_SEALING_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "SMTP_PASSWORD"}
    for folder in FOLDERS:
        assert not of_kind(built(folder), "Secret")
        for config in of_kind(built(folder), "ConfigMap"):
            assert not secret & set(config["data"])


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
    # On startup a service waits up to a minute for its servers (kit/service/lifecycle.py).
    assert starts["periodSeconds"] * starts["failureThreshold"] > 60


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
def test_every_pod_is_restricted(folder: str) -> None:
    """Kubernetes' Pod Security Standard `restricted`, and our own rules: no token, requests and limits."""
    errors = []
    for name, template in pods(built(folder)):
        spec, pod = template["spec"], template["spec"]["securityContext"]
        if spec["automountServiceAccountToken"] or spec["enableServiceLinks"]:
            errors.append(f"{name}: has a token or service links")
        if (
            not pod["runAsNonRoot"]
            or pod["runAsUser"] == 0
            or pod["seccompProfile"]["type"] != "RuntimeDefault"
        ):
            errors.append(f"{name}: runs as root or without seccomp")
        if {"hostNetwork", "hostPID", "hostIPC"} & set(spec):
            errors.append(f"{name}: uses a namespace of the host")
        allowed = {"name", "configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim"}
        if any(set(volume) - allowed for volume in spec.get("volumes", [])):
            errors.append(f"{name}: has a volume of a type that is not allowed")
        for container in containers(template):
            own = container["securityContext"]
            if own["allowPrivilegeEscalation"] or own["capabilities"] != {"drop": ["ALL"]}:
                errors.append(f"{name}: may gain privileges")
            if container["image"].split("/")[-2:-1] == ["souk"] and not own["readOnlyRootFilesystem"]:
                errors.append(f"{name}: has a writable root file system")
            if {"cpu", "memory"} - set(container["resources"]["requests"]) or not container["resources"][
                "limits"
            ]:
                errors.append(f"{name}: has no requests or limits")
    assert not errors


@every_folder
def test_service_accounts_have_no_token(folder: str) -> None:
    accounts = {account["metadata"]["name"]: account for account in of_kind(built(folder), "ServiceAccount")}
    assert set(accounts) == set(SERVICES)
    assert not any(account["automountServiceAccountToken"] for account in accounts.values())


def test_images_are_ours_or_have_the_versions_of_the_tests() -> None:
    images = {container["image"] for _, template in pods(built(BASE)) for container in containers(template)}
    assert {image for image in images if image.startswith("souk/")} == {
        f"souk/{name}:latest" for name in (*SERVICES, "stripe-mock")
    }
    poms = (ROOT / "third_party" / "kafka" / "pom.xml").read_text() + (
        ROOT / "third_party" / "elasticsearch" / "pom.xml"
    ).read_text()
    versions = dict(re.findall(r"<(kafka|elasticsearch)\.version>([^<]+)<", poms))
    assert f"apache/kafka:{versions['kafka']}" in images
    assert f"elasticsearch-icu:{versions['elasticsearch']}" in images
    assert {"postgres:15", "redis:7"} <= images
    search = named(built(PRODUCTION), "Elasticsearch", "elasticsearch")["spec"]
    assert search["version"] == versions["elasticsearch"]
    assert search["image"].endswith(f"/elasticsearch-icu:{versions['elasticsearch']}")


def test_elasticsearch_is_the_official_image_with_the_plugins_of_the_catalog() -> None:
    dockerfile = (ROOT / "deploy" / "elasticsearch" / "Dockerfile").read_text()
    pom = (ROOT / "third_party" / "elasticsearch" / "pom.xml").read_text()
    version = re.findall(r"<elasticsearch\.version>([^<]+)<", pom)
    assert re.findall(r"^FROM elasticsearch:(\S+)$", dockerfile, re.MULTILINE) == version
    assert tuple(re.findall(r"^ARG PLUGIN=(\S+)$", dockerfile, re.MULTILINE)) == PLUGINS


def test_production_uses_images_of_its_registry_and_no_stateful_sets() -> None:
    images = {
        container["image"] for _, template in pods(built(PRODUCTION)) for container in containers(template)
    }
    assert images == {f"registry.example.com/souk/{name}:latest" for name in SERVICES}
    assert not of_kind(built(PRODUCTION), "StatefulSet")


def test_production_encrypts_external_and_data_connections() -> None:
    ingress = named(built(PRODUCTION), "Ingress", "souk")["spec"]
    assert {rule["host"] for rule in ingress["rules"]} == set(ingress["tls"][0]["hosts"])
    for service in SERVICES:
        for name, value in service_environment(PRODUCTION, service).items():
            assert name != "DATABASE_URL" or "sslmode=verify-full" in value
            assert name != "REDIS_URL" or value.startswith("rediss://")
            assert name != "KAFKA_BOOTSTRAP" or value.startswith("tls://")
            assert name != "ELASTICSEARCH_URL" or value.startswith("https://")
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]["kafka"]["listeners"]
    assert [(listener["port"], listener["tls"]) for listener in kafka] == [(9094, True)]
    assert "http" not in named(built(PRODUCTION), "Elasticsearch", "elasticsearch")["spec"], (
        "TLS is the default"
    )
    postgresql = named(built(PRODUCTION), "Cluster", "postgresql")["spec"]["postgresql"]
    assert "hostnossl all all all reject" in postgresql["pg_hba"]


@pytest.mark.parametrize("service", SERVICES)
def test_certificate_authorities_are_mounted_and_created_by_the_guide(service: str) -> None:
    files = {
        Path(file)
        for value in service_environment(PRODUCTION, service).values()
        for file in re.findall(r"(?:sslrootcert|[?&]ca)=([^&]+)", value)
    }
    assert files
    spec = deployment(PRODUCTION, service)["spec"]["template"]["spec"]
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in spec["containers"][0]["volumeMounts"]}
    volumes = {
        volume["name"]: volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume
    }
    (name,) = [name for name, path in mounts.items() if {file.parent for file in files} == {path}]
    guide = (ROOT / "docs" / "operations" / "install.md").read_text()
    assert f"kubectl create secret generic {volumes[name]} -n ecommerce" in guide
    assert {file.name for file in files} <= set(re.findall(r"--from-file=([\w.]+)=", guide))


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
