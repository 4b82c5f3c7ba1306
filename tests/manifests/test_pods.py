"""Pods are restricted, and their images, authorities and connections are those that production requires."""

import re
from pathlib import Path

import pytest

from catalog.indexing.definition import PLUGINS
from tests.lint.checkout import ROOT
from tests.manifests.every import every_folder
from tests.manifests.manifests import (
    BASE,
    FOLDERS,
    PRODUCTION,
    SERVICES,
    SMTP_PASSWORD,
    built,
    containers,
    deployment,
    named,
    of_kind,
    pods,
    secrets,
    service_environment,
)


def test_no_secret_is_in_a_manifest() -> None:
    secret = {"DATABASE_URL", "MAIL_SEALING_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "SMTP_PASSWORD"}
    secret |= {"PAYMENT_SEALING_KEY"}
    for folder in FOLDERS:
        assert not of_kind(built(folder), "Secret")
        for config in of_kind(built(folder), "ConfigMap"):
            assert not secret & set(config["data"])


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
    # No version is a default: pods do not start until a release's digests are set.
    assert images == {f"registry.example.com/souk/{name}:set-a-digest" for name in SERVICES}
    assert not of_kind(built(PRODUCTION), "StatefulSet")


def test_data_stores_are_scheduled_before_services() -> None:
    """PostgreSQL waited for CPU behind services on a small node, and they waited for PostgreSQL."""
    (data,) = of_kind(built(BASE), "PriorityClass")
    assert data["value"] > 0
    assert not data.get("globalDefault")
    for name, template in pods(built(BASE)):
        expected = data["metadata"]["name"] if name.startswith("StatefulSet/") else None
        assert template["spec"].get("priorityClassName") == expected, name
    production = built(PRODUCTION)
    assert of_kind(production, "PriorityClass") == [data]
    pool = named(production, "KafkaNodePool", "brokers")["spec"]["template"]["pod"]
    (nodes,) = named(production, "Elasticsearch", "elasticsearch")["spec"]["nodeSets"]
    cluster = named(production, "Cluster", "postgresql")["spec"]
    for spec in (cluster, pool, nodes["podTemplate"]["spec"]):
        assert spec["priorityClassName"] == data["metadata"]["name"]


def test_production_logs_in_at_the_mail_server_with_a_secret() -> None:
    environment = service_environment(PRODUCTION, "notification")
    assert environment["SMTP_USERNAME"] == secrets("production")["notification"]["SMTP_USERNAME"] == "shop"
    assert environment["SMTP_PASSWORD"] == SMTP_PASSWORD
    assert not any("SMTP_USERNAME" in config["data"] for config in of_kind(built(PRODUCTION), "ConfigMap"))


def test_production_encrypts_connections_to_data() -> None:
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
