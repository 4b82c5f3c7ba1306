"""compose.yaml is valid by the compose specification's schema, and consistent with the settings of the services."""

import json
import re
import subprocess
import sys
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kit.settings import load
from tests.lint.checkout import ROOT
from tests.manifests.manifests import (
    BASE,
    SERVICES,
    built,
    containers,
    pods,
    secret_variables,
    settings,
    variables,
)

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
MIGRATED = tuple(service for service in SERVICES if service != "gateway")

every_service = pytest.mark.parametrize("service", SERVICES)


def mounts(name: str) -> dict[str, str]:
    """The volumes, files and folders of a container, and where it has them."""
    volumes = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for text in CONTAINERS[name].get("volumes", [])]
    return dict(volume.split(":")[:2] for volume in volumes)


def test_compose_yaml_is_valid() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")]
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@every_service
def test_a_service_gets_only_known_variables_and_all_required_ones_but_secrets(service: str) -> None:
    names, known = set(CONTAINERS[service]["environment"]), variables(service)
    assert names <= set(known), "variables that the service does not know"
    needed = {name for name, must in known.items() if must} - secret_variables(service)
    assert needed <= names, "required variables; secrets come from the development profile"


@every_service
def test_a_service_accepts_the_values_and_listens_on_all_interfaces(service: str) -> None:
    loaded = load(settings(service), CONTAINERS[service]["environment"])
    assert loaded.http_host == "0.0.0.0"
    assert service == "gateway" or loaded.grpc_host == "0.0.0.0"
    assert (loaded.http_port, loaded.grpc_port) == (8080, 9080)
    assert f"127.0.0.1:{loaded.http_port}/readyz" in CONTAINERS[service]["healthcheck"]["test"][-1]


@every_service
def test_addresses_are_of_existing_containers(service: str) -> None:
    variables_set = CONTAINERS[service]["environment"]
    for name in variables(service):
        if name.endswith("_ADDRESS") and name in variables_set:
            host, port = variables_set[name].split(":")
            assert CONTAINERS[host]["environment"]["GRPC_PORT"] == port
    assert variables_set["KAFKA_BOOTSTRAP"] == "kafka:9092"
    assert (
        variables_set["JWKS_URL"]
        == f"http://account:{CONTAINERS['account']['environment']['HTTP_PORT']}/.well-known/jwks.json"
    )


@pytest.mark.parametrize("service", MIGRATED)
def test_a_service_starts_after_its_migrations(service: str) -> None:
    migration = CONTAINERS[f"{service}-migrate"]
    assert migration["command"] == ["migrate"]
    assert migration["image"] == CONTAINERS[service]["image"]
    assert migration["environment"] == CONTAINERS[service]["environment"]
    assert (
        CONTAINERS[service]["depends_on"][f"{service}-migrate"]["condition"]
        == "service_completed_successfully"
    )


def test_every_service_has_a_database() -> None:
    sql = (ROOT / "deploy" / "compose" / "databases.sql").read_text().replace('"', "")
    for service in MIGRATED:
        assert f"CREATE DATABASE {service};" in sql
        assert CONTAINERS[service]["environment"]["DATABASE_URL"].endswith(f"@postgresql:5432/{service}")


def test_a_container_whose_health_is_awaited_has_a_health_check() -> None:
    for name, container in CONTAINERS.items():
        for other, rule in container.get("depends_on", {}).items():
            assert rule["condition"] != "service_healthy" or "healthcheck" in CONTAINERS[other], (
                f"{name}: {other}"
            )


def test_every_long_running_container_has_a_health_check() -> None:
    long_running = {
        name for name, container in CONTAINERS.items() if container.get("restart") == "unless-stopped"
    }
    once = {
        *(f"{service}-migrate" for service in MIGRATED),
        "keys",
        "kibana-views",
    }
    assert long_running | once == set(CONTAINERS)
    # The image of fluent-bit contains nothing that could check it.
    assert {name for name in long_running if "healthcheck" not in CONTAINERS[name]} == {"logs"}


def test_grafana_kibana_and_logs_use_existing_containers() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning" / "datasources"
    sources = [
        source for path in folder.glob("*.yml") for source in yaml.safe_load(path.read_text())["datasources"]
    ]
    assert {urlsplit(source["url"]).hostname for source in sources} == {
        "prometheus",
        "jaeger",
        "elasticsearch",
    }
    shipper = yaml.safe_load((ROOT / "deploy" / "compose" / "fluent-bit.yaml").read_text())["pipeline"]
    (store,) = shipper["outputs"]
    assert (store["host"], store["port"]) == ("elasticsearch", 9200)
    view = json.loads(next(arg for arg in CONTAINERS["kibana-views"]["entrypoint"] if arg.startswith("{")))[
        "data_view"
    ]
    logs = next(source for source in sources if source["uid"] == "logs")
    assert view["title"] == logs["jsonData"]["index"] == f"{store['logstash_prefix']}-*"
    for service in SERVICES:
        assert CONTAINERS[service]["environment"]["OTLP_ENDPOINT"] == "http://jaeger:4318"


def test_lines_of_the_services_are_read_from_the_files_of_docker_or_podman() -> None:
    shipper = yaml.safe_load((ROOT / "deploy" / "compose" / "fluent-bit.yaml").read_text())["pipeline"]
    (source,) = shipper["inputs"]
    assert source["name"] == "tail"
    # The names that both engines give to their files, below the folder of a container.
    folder = "/containers"
    files = (f"{folder}/{'a' * 64}/{'a' * 64}-json.log", f"{folder}/{'b' * 64}/userdata/ctr.log")
    for file, pattern in zip(files, source["path"].split(","), strict=True):
        assert PurePath(file).match(pattern)
    assert [parser.strip() for parser in source["multiline.parser"].split(",")] == ["docker", "cri"]
    assert {folder, str(PurePath(source["db"]).parent)} <= set(mounts("logs").values())
    (only,) = [entry["regex"] for entry in shipper["filters"] if entry["name"] == "grep"]
    field, pattern = only.split(" ", 1)
    assert field == "service"
    assert {name for name in CONTAINERS if re.fullmatch(pattern, name)} == set(SERVICES)


def test_every_engine_has_the_log_driver_and_keeps_a_bounded_size() -> None:
    for name, container in CONTAINERS.items():
        if container.get("restart") == "unless-stopped":
            assert container["logging"]["driver"] == "json-file", name
            assert set(container["logging"]["options"]) == {"max-size", "max-file"}, name


def test_podman_knows_the_options_of_temporary_folders() -> None:
    """It rejects `uid` and `gid`."""
    for name, container in CONTAINERS.items():
        for folder in container.get("tmpfs", []):
            options = folder.partition(":")[2]
            assert {option.partition("=")[0] for option in options.split(",") if option} <= {
                "mode",
                "size",
            }, name


def test_images_of_other_projects_have_exact_versions() -> None:
    for name, container in CONTAINERS.items():
        image = container["image"].partition("@")[0]
        if not image.startswith("souk/"):
            # A version of PostgreSQL has two numbers.
            assert re.search(r":v?\d+\.\d+(\.\d+)?$", image), name
            assert image.startswith("postgres:") or image.count(".") == 2, name


def test_every_container_has_limits_and_ours_are_unprivileged() -> None:
    for name, container in CONTAINERS.items():
        assert {"cpus", "memory"} <= set(container["deploy"]["resources"]["limits"]), name
        if container["image"].startswith("souk/"):
            assert container["read_only"], name
            assert container["cap_drop"] == ["ALL"], name


def test_pages_are_published_on_the_documented_ports() -> None:
    published = [entry for container in CONTAINERS.values() for entry in container.get("ports", [])]
    # On localhost only, because the development profile's logins and secrets are public.
    assert [entry for entry in published if not entry.startswith("127.0.0.1:")] == []
    ports = {
        entry.split(":")[-2] for container in CONTAINERS.values() for entry in container.get("ports", [])
    }
    assert {"8000", "3000", "5601", "9090", "16686", "1080"} <= ports
    assert CONTAINERS["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "admin"


def test_servers_have_the_versions_of_the_cluster() -> None:
    in_cluster = {container["image"] for _, pod in pods(built(BASE)) for container in containers(pod)}
    in_compose = {
        container["image"].replace("${SOUK_TAG:-latest}", "latest") for container in CONTAINERS.values()
    }
    assert in_cluster <= in_compose
    assert CONTAINERS["kibana"]["image"].split(":")[1] == CONTAINERS["elasticsearch"]["image"].split(":")[1]


def test_mounted_volumes_and_files_exist() -> None:
    for name in CONTAINERS:
        for source in mounts(name):
            exists = (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert exists or source == "/var/lib/docker/containers", f"{name}: {source}"
