"""The network policies in k8s/: they allow every connection that the services' settings need, and no other."""

from collections.abc import Mapping
from typing import Any

from tests.manifests.every import every_folder
from tests.manifests.manifests import (
    BASE,
    PRODUCTION,
    SERVICES,
    Manifest,
    addresses,
    built,
    deployment,
    matches,
    named,
    of_kind,
    pods,
    service_environment,
)


def allows(rules: list[Manifest], side: str, labels: Mapping[str, str], port: int) -> bool:
    """Whether a rule allows connections of pods with these labels, of the same namespace, on this port."""
    return any(
        {"port": port} in [{"port": entry["port"]} for entry in rule["ports"]]
        and any(
            matches(peer["podSelector"], labels)
            for peer in rule[side]
            if "podSelector" in peer and "namespaceSelector" not in peer
        )
        for rule in rules
    )


def test_policies_allow_every_connection_that_is_used() -> None:
    manifests = built(BASE)
    policies = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    denied = []
    for service in SERVICES:
        own: dict[str, Any] = deployment(BASE, service)["spec"]["template"]["metadata"]["labels"]
        for host, port in addresses(service_environment(BASE, service)):
            target = named(manifests, "Service", host)["spec"]["selector"]
            egress = [
                rule
                for policy in policies
                if matches(policy["podSelector"], own)
                for rule in policy.get("egress", [])
            ]
            ingress = [
                rule
                for policy in policies
                if matches(policy["podSelector"], target)
                for rule in policy.get("ingress", [])
            ]
            if not allows(egress, "to", target, port) or not allows(ingress, "from", own, port):
                denied.append(f"{service} -> {host}:{port}")
    assert not denied


def test_policies_allow_no_egress_that_is_not_used() -> None:
    manifests = built(BASE)
    used = {
        (service, host, port)
        for service in SERVICES
        for host, port in addresses(service_environment(BASE, service))
    }
    for service in SERVICES:
        for rule in named(manifests, "NetworkPolicy", service)["spec"]["egress"]:
            for peer in rule["to"]:
                if "podSelector" in peer:
                    host = peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                    assert (service, host, rule["ports"][0]["port"]) in used


@every_folder
def test_connections_are_denied_by_default(folder: str) -> None:
    deny = named(built(folder), "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    namespace = named(built(folder), "Namespace", "ecommerce")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_policies_allow_no_ingress_that_is_not_used() -> None:
    manifests = built(BASE)
    used = {
        (service, named(manifests, "Service", host)["spec"]["selector"]["app.kubernetes.io/name"], port)
        for service in SERVICES
        for host, port in addresses(service_environment(BASE, service))
    }
    # The Stripe mock sends webhooks to payment.
    used.add(("stripe-mock", "payment", 8080))
    callers = [template["metadata"]["labels"] for _, template in pods(manifests)]
    unused = [
        f"{caller['app.kubernetes.io/name']} -> {target}:{entry['port']}"
        for policy in of_kind(manifests, "NetworkPolicy")
        if (target := policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name"))
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
        if "podSelector" in peer
        for caller in callers
        if matches(peer["podSelector"], caller)
        for entry in rule["ports"]
        if (caller["app.kubernetes.io/name"], target, entry["port"]) not in used
    ]
    assert not unused


def admits(folder: str, service: str, namespace: str, port: int) -> bool:
    """Whether a policy allows connections of another namespace to a service on this port."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    labels = deployment(folder, service)["spec"]["template"]["metadata"]["labels"]
    return any(
        peer in rule["from"] and {"port": port} in rule["ports"]
        for policy in of_kind(built(folder), "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], labels) and policy["metadata"]["namespace"] == "ecommerce"
        for rule in policy["spec"].get("ingress", [])
    )


@every_folder
def test_of_other_namespaces_only_prometheus_and_in_production_the_proxy_are_allowed(folder: str) -> None:
    proxied = {"gateway", "payment"} if folder == PRODUCTION else set()
    for service in SERVICES:
        assert admits(folder, service, "monitoring", 8080)
        assert admits(folder, service, "envoy-gateway-system", 8080) == (service in proxied)
