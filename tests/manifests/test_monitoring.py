"""Dashboards, alerts and what Prometheus scrapes: only metrics that the services export, and alerts that fire when they should."""

import json
import math
import re
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
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
INCIDENTS = ROOT / "docs" / "operations" / "incidents"
# What Prometheus itself says of each target.
OF_PROMETHEUS = {"up"}
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def exported() -> dict[str, set[str]]:
    """Every series that the services export, with the labels of ours; those that scraping adds come with each."""
    for service in SERVICES:
        import_module(f"{service}.app")
    found: dict[str, set[str]] = {}
    for family in REGISTRY.collect():
        for suffix in _SUFFIXES.get(family.type, ()):
            found[family.name + suffix] = {"job", "instance"}
    for collector in set(
        REGISTRY._names_to_collectors.values()
    ):  # the only place that knows labels without samples
        for name, labels in found.items():
            own = getattr(collector, "_name", None)
            if own and re.fullmatch(re.escape(own) + "(_total|_bucket|_sum|_count)?", name):
                labels |= set(getattr(collector, "_labelnames", ())) | (
                    {"le"} if name.endswith("_bucket") else set()
                )
    return found


EXPORTED = exported()


def expressions() -> list[tuple[str, str]]:
    """Every expression, with where it stands."""
    found = [(name, rule["expr"]) for name, rule in ALERTS.items()]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            found += [(f"{path.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_each_metric_and_label_is_exported(where: str, expression: str) -> None:
    named = re.findall(r"\b(souk_\w+|up\b)(?:\{([^}]*)\})?", expression)
    assert named, where
    labels: set[str] = set()
    for name, matchers in named:
        assert name in OF_PROMETHEUS or name in EXPORTED, f"{where}: {name}"
        known = EXPORTED.get(name, {"job", "instance"})
        labels |= known
        assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= known, f"{where}: {name}"
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", group)) <= labels, f"{where}: {group}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_can_provision(path: Any) -> None:
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
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len(ids), "panels lie on each other"


def test_there_are_dashboards_and_every_business_metric_is_on_one() -> None:
    shown = " ".join(expression for _, expression in expressions())
    business = {
        name
        for name in EXPORTED
        if name.split("_")[1] in (*SERVICES, "events", "work")
        and not name.endswith(("_bucket", "_sum", "_count"))
    }
    missing = {name for name in business if not re.search(rf"\b{name}\b", shown)}
    assert missing <= {"souk_gateway_cost_total", "souk_account_sessions_revoked_total"}, missing


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_leads_to_its_page(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["annotations"]["runbook"] == f"docs/operations/incidents/{alert}.md"
    text = (INCIDENTS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    for heading in ("## Meaning", "## Diagnosis", "## Mitigation"):
        assert heading in text


def test_there_is_no_page_of_an_alert_that_is_gone() -> None:
    assert {path.stem for path in INCIDENTS.glob("*.md")} == set(ALERTS)


def test_the_operators_rules_are_the_same() -> None:
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
    (place,) = scrape["kubernetes_sd_configs"]
    assert place["namespaces"]["names"] == ["ecommerce"]
    for name, template in pods(built(BASE)):
        labels, annotations = template["metadata"]["labels"], template["metadata"].get("annotations", {})
        if labels.get("app.kubernetes.io/component") == "server":
            ports = {port["name"]: str(port["containerPort"]) for port in containers(template)[-1]["ports"]}
            assert annotations["prometheus.io/scrape"] == "true", name
            assert annotations["prometheus.io/port"] == ports["http"], name
            assert annotations["prometheus.io/path"] == "/metrics", name
            assert labels["app.kubernetes.io/name"] in SERVICES


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))


def test_prometheus_takes_the_clusters_but_for_what_debians_is_built_without(tmp_path: Path) -> None:
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


def test_every_alert_is_seen_firing() -> None:
    tests = yaml.safe_load((ROOT / "tests" / "manifests" / "alerts_test.yml").read_text())["tests"]
    fired = {
        rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule.get("exp_alerts")
    }
    assert fired == set(ALERTS)


def promtool(*words: str) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sizing_table_is_what_its_figures_make_it() -> None:
    page = (ROOT / "docs" / "operations" / "capacity.md").read_text()
    number = r"(\d+\.\d\d)"
    figures = re.findall(rf"^\| (\w+) \| {number} \| {number} \| {number} \| (\d+) \|$", page, re.MULTILINE)
    cost = {name: float(together) for name, _, _, together, _ in figures}
    for name, answered, behind, _, carried in figures:
        assert cost[name] == round(float(answered) + float(behind), 2)
        assert int(carried) == math.floor(round(700 / cost[name], 6))
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert {row[0] for row in rows} == set(cost)
    for name, *cores in rows:
        assert [int(each) for each in cores] == [
            math.ceil(n * cost[name] / 700) for n in (100, 548, 1000, 10_000)
        ]
    totals = [sum(int(row[column]) for row in rows) for column in range(1, 5)]
    assert "| **all** | " + " | ".join(f"**{total}**" for total in totals) + " |" in page
    price = int(re.findall(r"With (\d+) a month for a core", page)[0])
    sentence = (
        r"1,000 orders a second are (\d+) cores, ([\d,]+) a month, and 10,000 are (\d+) cores, ([\d,]+);"
    )
    told = [int(each.replace(",", "")) for each in re.findall(sentence, page)[0]]
    assert told == [totals[2], totals[2] * price, totals[3], totals[3] * price]
