"""k8s/: valid by Kubernetes' own schemas, and in step with the services' own settings."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
    PRODUCTION,
    SERVICES,
    Manifest,
    built,
    containers,
    environment,
    matches,
    named,
    of_kind,
    pods,
    secrets,
    settings,
    variables,
)
from tests.manifests.operator_schemas import FILE, OPERATORS, of_operators

FOLDERS = {BASE: (), PRODUCTION: ("production",)}
# It lists some twice.
VERSIONS = list(dict.fromkeys(kubernetes_validate.utils.all_versions()))[-3:]
folder_and_service = pytest.mark.parametrize(
    ("folder", "service"), [(folder, service) for folder in FOLDERS for service in SERVICES]
)
each_folder = pytest.mark.parametrize("folder", FOLDERS)


def deployment(folder: str, service: str) -> Manifest:
    return named(built(folder), "Deployment", "graphql-gateway" if service == "gateway" else service)


def server(folder: str, service: str) -> Manifest:
    container: Manifest = deployment(folder, service)["spec"]["template"]["spec"]["containers"][0]
    return container


def told(folder: str, service: str) -> dict[str, str]:
    return environment(server(folder, service), built(folder), secrets(*FOLDERS[folder]))


def test_three_versions_of_kubernetes_are_known() -> None:
    assert len(VERSIONS) == 3


@pytest.mark.parametrize("version", VERSIONS)
@each_folder
def test_every_manifest_is_valid_strictly(folder: str, version: str) -> None:
    faults = []
    for manifest in built(folder):
        if manifest["apiVersion"].split("/")[0] not in OPERATORS:
            try:
                kubernetes_validate.utils.validate(manifest, version, strict=True)
            except kubernetes_validate.utils.ValidationError as error:
                faults.append(f"{manifest['kind']}/{manifest['metadata']['name']}: {error.message}")
    assert not faults


def test_objects_of_operators_are_valid_strictly() -> None:
    schemas = json.loads(FILE.read_text())
    faults = [
        f"{manifest['kind']}/{manifest['metadata']['name']}: {error.json_path} {error.message}"
        for manifest in of_operators()
        for error in Draft202012Validator(
            schemas[f"{manifest['apiVersion']} {manifest['kind']}"]
        ).iter_errors(manifest)
    ]
    assert not faults, "or a field new to tests/manifests/operator_schemas.py"


def test_applying_the_folder_applies_the_whole_base() -> None:
    listed = yaml.safe_load((ROOT / BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "k8s").glob("*.yaml"))
    for name in listed:
        assert (ROOT / "k8s" / name).resolve() == (ROOT / BASE / name).resolve()
    assert min(listed) == "00-namespace.yaml", "what is applied first"


@folder_and_service
def test_a_service_is_told_what_it_knows_and_all_that_it_must_know(folder: str, service: str) -> None:
    known = variables(service)
    names = set(told(folder, service))
    assert names <= set(known), "variables that the service does not know"
    assert {name for name, needed in known.items() if needed} <= names, "variables that it must be told"


@folder_and_service
def test_a_service_accepts_the_values(folder: str, service: str) -> None:
    loaded = load(settings(service), told(folder, service))
    assert not loaded.is_development


@folder_and_service
def test_migrations_are_told_what_the_service_is(folder: str, service: str) -> None:
    if service == "gateway":
        return
    job = named(built(folder), "Job", f"{service}-migrate")["spec"]["template"]["spec"]["containers"][0]
    first = deployment(folder, service)["spec"]["template"]["spec"]["initContainers"][0]
    for container in (job, first):
        assert container["args"] == ["migrate"]
        assert container["image"] == server(folder, service)["image"]
        assert container["envFrom"] == server(folder, service)["envFrom"]
        assert container.get("volumeMounts") == server(folder, service).get("volumeMounts")


def test_the_signing_keys_made_are_those_that_account_reads(tmp_path: Path) -> None:
    file = tmp_path / "signing-keys.json"
    file.write_text(secrets()["account-signing-keys"]["signing-keys.json"])
    assert len(SigningKeys.load(file).keys) == 1
    mounted = named(built(BASE), "ConfigMap", "account")["data"]["SIGNING_KEYS_FILE"]
    mounts = {each["name"]: each["mountPath"] for each in server(BASE, "account")["volumeMounts"]}
    assert mounted == f"{mounts['keys']}/{file.name}"


def test_no_secret_stands_in_a_manifest() -> None:
    secret = {"DATABASE_URL", "MAIL_SEALING_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "SMTP_PASSWORD"}
    for folder in FOLDERS:
        assert not of_kind(built(folder), "Secret")
        for config in of_kind(built(folder), "ConfigMap"):
            assert not secret & set(config["data"])


@folder_and_service
def test_ports_are_those_the_service_listens_on(folder: str, service: str) -> None:
    loaded = load(settings(service), told(folder, service))
    ports = {each["name"]: each["containerPort"] for each in server(folder, service)["ports"]}
    expected = {"http": loaded.http_port} | ({} if service == "gateway" else {"grpc": loaded.grpc_port})
    assert ports == expected
    offered = named(built(folder), "Service", deployment(folder, service)["metadata"]["name"])["spec"][
        "ports"
    ]
    assert {each["targetPort"]: each["port"] for each in offered} == expected


def test_the_gateway_is_where_port_forward_expects_it() -> None:
    service = named(built(BASE), "Service", "graphql-gateway")
    assert service["metadata"]["namespace"] == "ecommerce"
    assert [port["port"] for port in service["spec"]["ports"]] == [8080]


@folder_and_service
def test_probes_ask_what_the_service_answers(folder: str, service: str) -> None:
    container = server(folder, service)
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    starts = container["startupProbe"]
    # The kubelet's gRPC probe knows no TLS.
    assert starts["httpGet"] == {"path": "/readyz", "port": "http"}
    # A service waits for its servers for a minute before it gives up (kit/service/lifecycle.py).
    assert starts["periodSeconds"] * starts["failureThreshold"] > 60


@folder_and_service
def test_a_rollout_takes_nobody_away_before_another_is_there(folder: str, service: str) -> None:
    spec = deployment(folder, service)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in spec, "applying it again would undo the autoscaler"
    known = load(settings(service), told(folder, service))
    drain, grace = known.drain_seconds.total_seconds(), known.shutdown_grace_seconds.total_seconds()
    assert drain >= 5, "a cluster's proxies take as long to hear of it"
    watchdog = 10
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= drain + grace + watchdog


@folder_and_service
def test_a_service_is_scaled_and_not_disrupted(folder: str, service: str) -> None:
    workload = deployment(folder, service)
    name, labels = workload["metadata"]["name"], workload["spec"]["template"]["metadata"]["labels"]
    scaler = named(built(folder), "HorizontalPodAutoscaler", name)["spec"]
    assert scaler["scaleTargetRef"]["name"] == name
    assert scaler["minReplicas"] >= (3 if folder == PRODUCTION else 2)
    assert matches(named(built(folder), "PodDisruptionBudget", name)["spec"]["selector"], labels)
    assert len(workload["spec"]["template"]["spec"]["topologySpreadConstraints"]) == 2


@each_folder
def test_every_pod_is_restricted(folder: str) -> None:
    """The rules of Kubernetes' Pod Security Standard `restricted`, and ours beyond: no token, requests and limits."""
    faults = []
    for name, template in pods(built(folder)):
        spec, pod = template["spec"], template["spec"]["securityContext"]
        if spec["automountServiceAccountToken"] or spec["enableServiceLinks"]:
            faults.append(f"{name}: a token, or variables of its neighbours")
        if (
            not pod["runAsNonRoot"]
            or pod["runAsUser"] == 0
            or pod["seccompProfile"]["type"] != "RuntimeDefault"
        ):
            faults.append(f"{name}: root, or no seccomp")
        if {"hostNetwork", "hostPID", "hostIPC"} & set(spec):
            faults.append(f"{name}: of the host")
        allowed = {"name", "configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim"}
        if any(set(volume) - allowed for volume in spec.get("volumes", [])):
            faults.append(f"{name}: a volume that is not allowed")
        for container in containers(template):
            own = container["securityContext"]
            if own["allowPrivilegeEscalation"] or own["capabilities"] != {"drop": ["ALL"]}:
                faults.append(f"{name}: privileges")
            if container["image"].split("/")[-2:-1] == ["souk"] and not own["readOnlyRootFilesystem"]:
                faults.append(f"{name}: may write to its image")
            if {"cpu", "memory"} - set(container["resources"]["requests"]) or not container["resources"][
                "limits"
            ]:
                faults.append(f"{name}: no requests or limits")
    assert not faults


@each_folder
def test_service_accounts_have_no_token(folder: str) -> None:
    accounts = {each["metadata"]["name"]: each for each in of_kind(built(folder), "ServiceAccount")}
    assert set(accounts) == set(SERVICES)
    assert not any(account["automountServiceAccountToken"] for account in accounts.values())


def test_images_are_ours_or_of_the_versions_that_tests_run_on() -> None:
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


def test_elasticsearch_is_the_stock_image_with_the_plugins_that_the_catalog_needs() -> None:
    recipe = (ROOT / "deploy" / "elasticsearch" / "Dockerfile").read_text()
    pom = (ROOT / "third_party" / "elasticsearch" / "pom.xml").read_text()
    version = re.findall(r"<elasticsearch\.version>([^<]+)<", pom)
    assert re.findall(r"^FROM elasticsearch:(\S+)$", recipe, re.MULTILINE) == version
    assert tuple(re.findall(r"^ARG PLUGIN=(\S+)$", recipe, re.MULTILINE)) == PLUGINS


def test_production_takes_every_image_from_its_registry_and_no_try_out() -> None:
    images = {
        container["image"] for _, template in pods(built(PRODUCTION)) for container in containers(template)
    }
    assert images == {f"registry.example.com/souk/{name}:latest" for name in SERVICES}
    assert not of_kind(built(PRODUCTION), "StatefulSet")


def test_production_is_encrypted_where_it_leaves_the_cluster_and_to_the_database() -> None:
    ingress = named(built(PRODUCTION), "Ingress", "souk")["spec"]
    assert {rule["host"] for rule in ingress["rules"]} == set(ingress["tls"][0]["hosts"])
    for service in SERVICES:
        for name, value in told(PRODUCTION, service).items():
            assert name != "DATABASE_URL" or "sslmode=verify-full" in value
            assert name != "REDIS_URL" or value.startswith("rediss://")
            assert name != "KAFKA_BOOTSTRAP" or value.startswith("tls://")
            assert name != "ELASTICSEARCH_URL" or value.startswith("https://")
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]["kafka"]["listeners"]
    assert [(listener["port"], listener["tls"]) for listener in kafka] == [(9094, True)]
    assert "http" not in named(built(PRODUCTION), "Elasticsearch", "elasticsearch")["spec"], (
        "TLS is its default"
    )
    postgresql = named(built(PRODUCTION), "Cluster", "postgresql")["spec"]["postgresql"]
    assert "hostnossl all all all reject" in postgresql["pg_hba"]


@pytest.mark.parametrize("service", SERVICES)
def test_authorities_that_addresses_name_are_mounted_and_made_by_the_guide(service: str) -> None:
    files = {
        Path(file)
        for value in told(PRODUCTION, service).values()
        for file in re.findall(r"(?:sslrootcert|[?&]ca)=([^&]+)", value)
    }
    assert files
    spec = deployment(PRODUCTION, service)["spec"]["template"]["spec"]
    mounts = {each["name"]: Path(each["mountPath"]) for each in spec["containers"][0]["volumeMounts"]}
    volumes = {each["name"]: each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each}
    (name,) = [name for name, path in mounts.items() if {file.parent for file in files} == {path}]
    guide = (ROOT / "docs" / "operations" / "install.md").read_text()
    assert f"kubectl create secret generic {volumes[name]} -n ecommerce" in guide
    assert {file.name for file in files} <= set(re.findall(r"--from-file=([\w.]+)=", guide))


@each_folder
def test_the_ingress_leads_to_services_that_are_there(folder: str) -> None:
    for rule in named(built(folder), "Ingress", "souk")["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = named(built(folder), "Service", backend["name"])["spec"]["ports"]
            assert backend["port"]["name"] in {port["name"] for port in ports}


def addresses(values: Mapping[str, str]) -> set[tuple[str, int]]:
    """Hosts and ports that settings name: URLs, and host:port."""
    found = set()
    for name, value in values.items():
        if plain := re.fullmatch(r"(?:tls://)?([a-z0-9.-]+):(\d+)(?:\?.*)?", value):
            found.add((plain[1], int(plain[2])))
        elif (value.startswith("http") and name != "SHOP_URL") or name in ("DATABASE_URL", "REDIS_URL"):
            url = urlsplit(value)
            found.add((url.hostname or "", url.port or 443))
    if "SMTP_HOST" in values:
        found.add((values["SMTP_HOST"], int(values["SMTP_PORT"])))
    return found


def allows(rules: list[Manifest], side: str, labels: Mapping[str, str], port: int) -> bool:
    """Whether one of a policy's rules lets pods with these labels, of this namespace, by at this port."""
    return any(
        {"port": port} in [{"port": each["port"]} for each in rule["ports"]]
        and any(
            matches(peer["podSelector"], labels)
            for peer in rule[side]
            if "podSelector" in peer and "namespaceSelector" not in peer
        )
        for rule in rules
    )


def test_policies_open_each_way_that_is_used() -> None:
    manifests = built(BASE)
    policies = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    shut = []
    for service in SERVICES:
        mine: dict[str, Any] = deployment(BASE, service)["spec"]["template"]["metadata"]["labels"]
        for host, port in addresses(told(BASE, service)):
            target = named(manifests, "Service", host)["spec"]["selector"]
            out = [
                rule
                for each in policies
                if matches(each["podSelector"], mine)
                for rule in each.get("egress", [])
            ]
            into = [
                rule
                for each in policies
                if matches(each["podSelector"], target)
                for rule in each.get("ingress", [])
            ]
            if not allows(out, "to", target, port) or not allows(into, "from", mine, port):
                shut.append(f"{service} -> {host}:{port}")
    assert not shut


def test_policies_open_nothing_that_is_not_used() -> None:
    manifests = built(BASE)
    used = {(service, host, port) for service in SERVICES for host, port in addresses(told(BASE, service))}
    for service in SERVICES:
        for rule in named(manifests, "NetworkPolicy", service)["spec"]["egress"]:
            for peer in rule["to"]:
                if "podSelector" in peer:
                    host = peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                    assert (service, host, rule["ports"][0]["port"]) in used


@each_folder
def test_nobody_may_talk_unless_it_is_said(folder: str) -> None:
    deny = named(built(folder), "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    namespace = named(built(folder), "Namespace", "ecommerce")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@each_folder
def test_services_select_pods_that_are_there(folder: str) -> None:
    labels = [template["metadata"]["labels"] for _, template in pods(built(folder))]
    for service in of_kind(built(folder), "Service"):
        chosen = [each for each in labels if matches({"matchLabels": service["spec"]["selector"]}, each)]
        assert len(chosen) == 1, f"{service['metadata']['name']} selects {chosen}"


@each_folder
def test_all_replicas_of_payment_together_keep_the_providers_limit(folder: str) -> None:
    most: int = named(built(folder), "HorizontalPodAutoscaler", "payment")["spec"]["maxReplicas"]
    assert most * float(told(folder, "payment")["CHARGES_PER_SECOND"]) <= 50


def test_policies_let_nobody_in_who_has_no_business() -> None:
    manifests = built(BASE)
    used = {
        (service, named(manifests, "Service", host)["spec"]["selector"]["app.kubernetes.io/name"], port)
        for service in SERVICES
        for host, port in addresses(told(BASE, service))
    }
    # The stand-in tells payment by webhook.
    used.add(("stripe-mock", "payment", 8080))
    callers = [
        template["metadata"]["labels"] for name, template in pods(manifests) if not name.startswith("Job/")
    ]
    strangers = [
        f"{caller['app.kubernetes.io/name']} -> {target}:{each['port']}"
        for policy in of_kind(manifests, "NetworkPolicy")
        if (target := policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name"))
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
        if "podSelector" in peer
        for caller in callers
        if matches(peer["podSelector"], caller)
        for each in rule["ports"]
        if (caller["app.kubernetes.io/name"], target, each["port"]) not in used
    ]
    assert not strangers


def admits(folder: str, name: str, namespace: str, port: int) -> bool:
    """Whether a policy lets pods of another namespace in to a service's at this port."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return any(
        peer in rule["from"] and {"port": port} in rule["ports"]
        for rule in named(built(folder), "NetworkPolicy", name)["spec"]["ingress"]
    )


@each_folder
def test_the_ingress_and_prometheus_come_in_and_none_else_of_another_namespace(folder: str) -> None:
    routed = {
        named(built(folder), "Service", path["backend"]["service"]["name"])["spec"]["selector"][
            "app.kubernetes.io/name"
        ]
        for rule in named(built(folder), "Ingress", "souk")["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    for service in SERVICES:
        assert admits(folder, service, "monitoring", 8080)
        assert admits(folder, service, "ingress-nginx", 8080) == (service in routed)


def test_production_may_reach_where_its_data_is_and_what_lies_outside() -> None:
    manifests = built(PRODUCTION)
    at = "ecommerce-data"
    ends = {"Cluster": "-rw", "Kafka": "-kafka-bootstrap", "Elasticsearch": "-es-http"}
    kept = {f"{each['metadata']['name']}{ends[each['kind']]}.{at}" for each in of_kind(manifests, *ends)}
    inside = {each["metadata"]["name"] for each in of_kind(manifests, "Service")}
    shut, homeless = [], set()
    for service in SERVICES:
        labels = deployment(PRODUCTION, service)["spec"]["template"]["metadata"]["labels"]
        peers = [
            (peer, each["port"])
            for policy in of_kind(manifests, "NetworkPolicy")
            if matches(policy["spec"]["podSelector"], labels)
            for rule in policy["spec"].get("egress", [])
            for peer in rule["to"]
            for each in rule["ports"]
        ]
        for host, port in addresses({"STRIPE_BASE_URL": "https://api.test"} | told(PRODUCTION, service)):
            if host == "api.test" and service != "payment":
                continue
            if host.endswith(f".{at}"):
                homeless |= {host} - kept
                data = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": at}}}
                open_ = (data, port) in peers
            elif host in inside:
                open_ = any(
                    matches(peer["podSelector"], {"app.kubernetes.io/name": host})
                    for peer, at_ in peers
                    if at_ == port and "podSelector" in peer
                )
            else:
                open_ = any("ipBlock" in peer for peer, at_ in peers if at_ == port)
            if not open_:
                shut.append(f"{service} -> {host}:{port}")
    assert not shut
    assert not homeless, "no object of an operator has that name"


@each_folder
def test_all_replicas_together_find_room_in_the_database(folder: str) -> None:
    """As docs/operations/scale.md counts: a pool of five, the relay's and a migration's; one pod more of each while it is rolled out."""
    owners = [service for service in SERVICES if "DATABASE_URL" in told(folder, service)]
    most = [
        named(built(folder), "HorizontalPodAutoscaler", service)["spec"]["maxReplicas"] for service in owners
    ]
    if folder == PRODUCTION:
        room = int(
            named(built(folder), "Cluster", "postgresql")["spec"]["postgresql"]["parameters"][
                "max_connections"
            ]
        )
    else:
        words = " ".join(dict(pods(built(folder)))["StatefulSet/postgresql"]["spec"]["containers"][0]["args"])
        room = int(re.findall(r"max_connections=(\d+)", words)[0])
    assert sum(7 * (replicas + 1) for replicas in most) < room
