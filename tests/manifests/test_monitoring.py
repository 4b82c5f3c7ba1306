"""Dashboards, alerts and scrape configurations use only exported metrics, and every alert fires when it should."""

import json
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from tests.lint.checkout import ROOT
from tests.manifests.manifests import BASE, SERVICES, built, containers, pods

DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
ALERTS: dict[str, Any] = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
# Of metrics that are not ours.
_BACKUPS = yaml.safe_load((ROOT / "k8s" / "components" / "monitoring" / "backups.yaml").read_text())
BACKUP_GROUPS = _BACKUPS["spec"]["groups"]
BACKUP_ALERTS: dict[str, Any] = {rule["alert"]: rule for group in BACKUP_GROUPS for rule in group["rules"]}
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
INCIDENTS = ROOT / "docs" / "operations" / "incidents"
# Series that Prometheus itself adds, for every target and every alert.
PROMETHEUS_SERIES = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity"},
}
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def exported() -> dict[str, set[str]]:
    """The labels of every series that the services export, including those that scraping adds."""
    for service in SERVICES:
        import_module(f"{service}.app")
    series: dict[str, set[str]] = {}
    for family in REGISTRY.collect():
        for suffix in _SUFFIXES.get(family.type, ()):
            series[family.name + suffix] = {"job", "instance"}
    for collector in set(
        REGISTRY._names_to_collectors.values()
    ):  # the only place that knows labels without samples
        for name, labels in series.items():
            own = getattr(collector, "_name", None)
            if own and re.fullmatch(re.escape(own) + "(_total|_bucket|_sum|_count)?", name):
                labels |= set(getattr(collector, "_labelnames", ())) | (
                    {"le"} if name.endswith("_bucket") else set()
                )
    return series


EXPORTED = exported()


def expressions() -> list[tuple[str, str]]:
    """Every expression with the alert or panel that uses it."""
    result = [(name, rule["expr"]) for name, rule in ALERTS.items()]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            result += [(f"{path.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return result


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_each_metric_and_label_is_exported(where: str, expression: str) -> None:
    named = re.findall(r"\b(souk_\w+|process_\w+|up\b|ALERTS\b)(?:\{([^}]*)\})?", expression)
    assert named, where
    labels: set[str] = set()
    for name, matchers in named:
        assert name in PROMETHEUS_SERIES or name in EXPORTED, f"{where}: {name}"
        known = EXPORTED.get(name) or PROMETHEUS_SERIES[name]
        labels |= known
        assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= known, f"{where}: {name}"
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", group)) <= labels, f"{where}: {group}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafana_can_provision_the_dashboard(path: Any) -> None:
    dashboard = json.loads(path.read_text())
    assert dashboard["uid"] == path.stem
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/souk.yml").read_text())[
        "datasources"
    ]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} <= {
        source["uid"] for source in sources
    }
    positions = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(positions) == len(ids), "panels overlap"


def test_every_business_metric_is_on_a_dashboard() -> None:
    shown = " ".join(expression for _, expression in expressions())
    business = {
        name
        for name in EXPORTED
        if name.split("_")[1] in (*SERVICES, "graphql", "events", "work")
        and not name.endswith(("_bucket", "_sum", "_count"))
    }
    missing = {name for name in business if not re.search(rf"\b{name}\b", shown)}
    assert missing <= {"souk_graphql_cost_total", "souk_account_sessions_revoked_total"}, missing


@pytest.mark.parametrize("alert", [*ALERTS, *BACKUP_ALERTS])
def test_an_alert_has_a_summary_a_description_and_a_page(alert: str) -> None:
    rule = {**ALERTS, **BACKUP_ALERTS}[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["annotations"]["runbook"] == f"docs/operations/incidents/{alert}.md"
    text = (INCIDENTS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    for heading in ("## Meaning", "## Diagnosis", "## Mitigation"):
        assert heading in text


def test_every_incident_page_belongs_to_an_alert() -> None:
    assert {path.stem for path in INCIDENTS.glob("*.md")} == {*ALERTS, *BACKUP_ALERTS}


def test_the_rules_for_the_operator_are_the_same() -> None:
    rules = yaml.safe_load((ROOT / "k8s" / "components" / "monitoring" / "alerts.yaml").read_text())
    assert rules["spec"]["groups"] == RULES["groups"]


def test_every_service_is_scraped_under_its_name() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert {job["job_name"]: job["dns_sd_configs"][0]["names"] for job in config["scrape_configs"]} == {
        service: [service] for service in SERVICES
    }


def test_a_cluster_without_the_operator_is_scraped_under_the_same_names() -> None:
    (scrape,) = yaml.safe_load((DEPLOY / "prometheus" / "kubernetes.yml").read_text())["scrape_configs"]
    labels = {rule.get("target_label"): rule["source_labels"] for rule in scrape["relabel_configs"]}
    assert labels["job"] == ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    assert scrape["relabel_configs"][0]["regex"] == "true;http"
    (discovery,) = scrape["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == ["ecommerce"]
    for name, template in pods(built(BASE)):
        labels, annotations = template["metadata"]["labels"], template["metadata"].get("annotations", {})
        if labels.get("app.kubernetes.io/component") == "server":
            ports = {port["name"]: str(port["containerPort"]) for port in containers(template)[-1]["ports"]}
            assert annotations["prometheus.io/scrape"] == "true", name
            assert annotations["prometheus.io/port"] == ports["http"], name
            assert annotations["prometheus.io/path"] == "/metrics", name
            assert labels["app.kubernetes.io/name"] in SERVICES


def test_prometheus_accepts_the_configuration() -> None:
    promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))


def test_prometheus_accepts_the_clusters_configuration_except_kubernetes_discovery(tmp_path: Path) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "kubernetes.yml").read_text())
    for scrape in config["scrape_configs"]:
        del scrape["kubernetes_sd_configs"]
        scrape["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
    (tmp_path / "alerts.yml").write_text((DEPLOY / "prometheus" / "alerts.yml").read_text())
    file = tmp_path / "kubernetes.yml"
    file.write_text(yaml.safe_dump(config))
    promtool("check", "config", str(file))


def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(ROOT / "tests" / "manifests" / "alerts_test.yml"))


def test_alerts_on_backups_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "backups.yml").write_text(yaml.safe_dump({"groups": BACKUP_GROUPS}))
    tests = shutil.copy(ROOT / "tests" / "manifests" / "backup_alerts_test.yml", tmp_path)
    promtool("test", "rules", str(tests))


@pytest.mark.parametrize(
    ("file", "alerts"), [("alerts_test.yml", ALERTS), ("backup_alerts_test.yml", BACKUP_ALERTS)]
)
def test_every_alert_fires_in_a_test(file: str, alerts: dict[str, Any]) -> None:
    tests = yaml.safe_load((ROOT / "tests" / "manifests" / file).read_text())["tests"]
    fired = {
        rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule.get("exp_alerts")
    }
    assert fired == set(alerts)


def promtool(*args: str) -> None:
    result = subprocess.run(["promtool", *args], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_examples_of_capacity_follow_from_its_figures() -> None:
    page = (ROOT / "docs" / "operations" / "capacity.md").read_text()
    [(answered, behind, costly, one, ten)] = re.findall(
        r"at ([\d.]+) ms for an order until its answer and ([\d.]+) ms for the rest, 100 orders a second need 100 . ([\d.]+) / 700 = "
        r"[\d.]+ cores, 1,000 need (\d+), and 10,000 need (\d+)\.",
        page,
    )
    order = round(float(answered) + float(behind), 2)
    assert float(costly) == order
    assert [int(one), int(ten)] == [round(1_000 * order / 700), round(10_000 * order / 700)]

    [(price, *stated)] = re.findall(
        r"At (\d+) a month for a core with 4 GB, (\d+) cores for 1,000 orders a second are ([\d,]+) a month, and (\d+) for 10,000 are "
        r"([\d,]+)\.",
        page,
    )
    assert [int(number.replace(",", "")) for number in stated] == [
        int(one),
        int(one) * int(price),
        int(ten),
        int(ten) * int(price),
    ]
