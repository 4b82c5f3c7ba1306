"""The way into the cluster: routes of the Gateway API in production, or an Ingress by a component; both encrypted."""

import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate.utils
import pytest
import yaml

from tests.lint.checkout import ROOT
from tests.manifests.manifests import BASE, PRODUCTION, Manifest, built, matches, named, of_kind

# The paths that are public, and the Services behind them.
PUBLIC = {"/graphql": "graphql-gateway", "/webhooks/stripe": "payment"}


@pytest.fixture
def with_ingress(tmp_path: Path) -> tuple[Manifest, ...]:
    """The production overlay with the component."""
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s", symlinks=True)
    overlay = tmp_path / "k8s" / "overlays" / "shop"
    overlay.mkdir()
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../production"],
        "components": ["../../components/ingress"],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return built(str(overlay))


def public_paths(route: Manifest) -> dict[str, str]:
    """The paths of a route with their Services, whose ports exist."""
    paths: dict[str, str] = {}
    for rule in route["spec"]["rules"]:
        for backend in rule["backendRefs"]:
            ports = named(built(PRODUCTION), "Service", backend["name"])["spec"]["ports"]
            assert backend["port"] in {port["port"] for port in ports}
            paths |= {match["path"]["value"]: backend["name"] for match in rule["matches"]}
    return paths


def test_a_trial_has_no_public_endpoint() -> None:
    assert not of_kind(built(BASE), "Ingress", "Gateway", "HTTPRoute")


def test_production_routes_the_public_paths_over_tls_and_redirects_http() -> None:
    manifests = built(PRODUCTION)
    assert not of_kind(manifests, "Ingress")
    listeners = {entry["name"]: entry for entry in named(manifests, "Gateway", "souk")["spec"]["listeners"]}
    assert {name: (entry["port"], entry["protocol"]) for name, entry in listeners.items()} == {
        "http": (80, "HTTP"),
        "https": (443, "HTTPS"),
    }
    assert listeners["https"]["tls"]["certificateRefs"]
    assert listeners["http"]["hostname"] == listeners["https"]["hostname"]
    routes: dict[str, Any] = {
        parent["sectionName"]: route
        for route in of_kind(manifests, "HTTPRoute")
        for parent in route["spec"]["parentRefs"]
    }
    assert public_paths(routes["https"]) == PUBLIC
    (redirect,) = [rule["filters"] for rule in routes["http"]["spec"]["rules"]]
    assert redirect == [
        {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    ]


def test_subscriptions_stay_open() -> None:
    rules = named(built(PRODUCTION), "HTTPRoute", "souk")["spec"]["rules"]
    (graphql,) = [rule for rule in rules if rule["matches"][0]["path"]["value"] == "/graphql"]
    assert graphql["timeouts"] == {"request": "0s"}


def test_the_component_replaces_the_gateway_by_an_ingress_with_tls(
    with_ingress: tuple[Manifest, ...],
) -> None:
    assert not of_kind(with_ingress, "Gateway", "HTTPRoute")
    ingress = named(with_ingress, "Ingress", "souk")
    kubernetes_validate.utils.validate(ingress, kubernetes_validate.utils.latest_version(), strict=True)
    assert {rule["host"] for rule in ingress["spec"]["rules"]} == set(ingress["spec"]["tls"][0]["hosts"])
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {path["path"]: path["backend"]["service"]["name"] for path in paths} == PUBLIC
    # Other controllers would ignore annotations of one.
    assert set(ingress["metadata"]["annotations"]) == {"cert-manager.io/cluster-issuer"}


def test_the_component_admits_the_controller_instead_of_the_gateways_proxies(
    with_ingress: tuple[Manifest, ...],
) -> None:
    admitted = {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for policy in of_kind(with_ingress, "NetworkPolicy")
        if policy["metadata"]["name"].startswith("entrance")
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
    }
    assert admitted == {"ingress"}


def test_cert_manager_can_prove_the_host() -> None:
    solver = {"acme.cert-manager.io/http01-solver": "true"}
    ports = [
        entry["port"]
        for policy in of_kind(built(PRODUCTION), "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], solver)
        for rule in policy["spec"].get("ingress", [])
        for entry in rule["ports"]
    ]
    assert ports == [8089]
