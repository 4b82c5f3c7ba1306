"""compose.yaml: valid by the compose specification's schema, and in step with the services' own settings."""

import json
import subprocess
import sys
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
PARTS: dict[str, Any] = COMPOSE["services"]
MIGRATED = tuple(service for service in SERVICES if service != "gateway")

each_service = pytest.mark.parametrize("service", SERVICES)


def test_it_is_valid() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_service
def test_a_service_is_told_what_it_knows_and_all_but_the_secrets_that_it_must_know(service: str) -> None:
    names, known = set(PARTS[service]["environment"]), variables(service)
    assert names <= set(known), "variables that the service does not know"
    needed = {name for name, must in known.items() if must} - secret_variables(service)
    assert needed <= names, "variables that it must be told; the secrets are the development profile's"


@each_service
def test_a_service_accepts_the_values_and_listens_to_its_neighbours(service: str) -> None:
    loaded = load(settings(service), PARTS[service]["environment"])
    assert loaded.http_host == "0.0.0.0"
    assert service == "gateway" or loaded.grpc_host == "0.0.0.0"
    assert (loaded.http_port, loaded.grpc_port) == (8080, 9080)
    assert f"127.0.0.1:{loaded.http_port}/readyz" in PARTS[service]["healthcheck"]["test"][-1]


@each_service
def test_addresses_lead_to_parts_that_are_there(service: str) -> None:
    told = PARTS[service]["environment"]
    for name in variables(service):
        if name.endswith("_ADDRESS") and name in told:
            host, port = told[name].split(":")
            assert PARTS[host]["environment"]["GRPC_PORT"] == port
    assert told["KAFKA_BOOTSTRAP"] == "kafka:9092"
    assert (
        told["JWKS_URL"]
        == f"http://account:{PARTS['account']['environment']['HTTP_PORT']}/.well-known/jwks.json"
    )


@pytest.mark.parametrize("service", MIGRATED)
def test_a_service_starts_after_its_migrations(service: str) -> None:
    migration = PARTS[f"{service}-migrate"]
    assert migration["command"] == ["migrate"]
    assert migration["image"] == PARTS[service]["image"]
    assert migration["environment"] == PARTS[service]["environment"]
    assert PARTS[service]["depends_on"][f"{service}-migrate"]["condition"] == "service_completed_successfully"


def test_databases_are_made_for_every_service_that_has_one() -> None:
    made = (ROOT / "deploy" / "compose" / "databases.sql").read_text().replace('"', "")
    for service in MIGRATED:
        assert f"CREATE DATABASE {service};" in made
        assert PARTS[service]["environment"]["DATABASE_URL"].endswith(f"@postgresql:5432/{service}")


def test_who_waits_for_health_waits_for_a_part_that_tells_it() -> None:
    for name, part in PARTS.items():
        for other, rule in part.get("depends_on", {}).items():
            assert rule["condition"] != "service_healthy" or "healthcheck" in PARTS[other], f"{name}: {other}"


def test_every_part_that_stays_tells_its_health() -> None:
    stay = {name for name, part in PARTS.items() if part.get("restart") == "unless-stopped"}
    once = {
        *(f"{service}-migrate" for service in MIGRATED),
        "keys",
        "kibana-views",
    }
    assert stay | once == set(PARTS)
    # The image of fluent-bit has one program.
    assert {name for name in stay if "healthcheck" not in PARTS[name]} == {"logs"}


def test_what_is_looked_at_leads_to_parts_that_are_there() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning" / "datasources"
    sources = [
        each for path in folder.glob("*.yml") for each in yaml.safe_load(path.read_text())["datasources"]
    ]
    assert {urlsplit(each["url"]).hostname for each in sources} == {"prometheus", "jaeger", "elasticsearch"}
    shipper = yaml.safe_load((ROOT / "deploy" / "compose" / "fluent-bit.yaml").read_text())["pipeline"]
    (store,) = shipper["outputs"]
    assert (store["host"], store["port"]) == ("elasticsearch", 9200)
    view = json.loads(next(word for word in PARTS["kibana-views"]["entrypoint"] if word.startswith("{")))[
        "data_view"
    ]
    logs = next(each for each in sources if each["uid"] == "logs")
    assert view["title"] == logs["jsonData"]["index"] == f"{store['logstash_prefix']}-*"
    listens = shipper["inputs"][0]["port"]
    for service in SERVICES:
        assert PARTS[service]["logging"]["options"]["fluentd-address"] == f"127.0.0.1:{listens}"
        assert PARTS[service]["environment"]["OTLP_ENDPOINT"] == "http://jaeger:4318"
    assert f"127.0.0.1:{listens}:{listens}" in PARTS["logs"]["ports"]


def test_every_part_has_its_limits_and_ours_no_rights() -> None:
    for name, part in PARTS.items():
        assert {"cpus", "memory"} <= set(part["deploy"]["resources"]["limits"]), name
        if part["image"].startswith("souk/"):
            assert part["read_only"], name
            assert part["cap_drop"] == ["ALL"], name


def test_pages_are_where_they_are_said_to_be() -> None:
    published = [entry for part in PARTS.values() for entry in part.get("ports", [])]
    # The development profile's logins and secrets are public.
    assert [entry for entry in published if not entry.startswith("127.0.0.1:")] == []
    ports = {entry.split(":")[-2] for part in PARTS.values() for entry in part.get("ports", [])}
    assert {"8000", "3000", "5601", "9090", "16686", "1080"} <= ports
    assert PARTS["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "admin"


def test_servers_are_of_the_versions_that_the_cluster_has() -> None:
    tried_out = {container["image"] for _, pod in pods(built(BASE)) for container in containers(pod)}
    here = {part["image"].replace("${SOUK_TAG:-latest}", "latest") for part in PARTS.values()}
    assert tried_out <= here
    assert PARTS["kibana"]["image"].split(":")[1] == PARTS["elasticsearch"]["image"].split(":")[1]


def test_volumes_and_files_that_are_mounted_are_there() -> None:
    for name, part in PARTS.items():
        for volume in part.get("volumes", []):
            source = volume.split(":")[0]
            there = (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert there, f"{name}: {source}"
