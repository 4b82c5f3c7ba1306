"""Network policies of the production overlay: data stores in their own namespace, operators, and addresses outside of the cluster."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.manifests.manifests import (
    PRODUCTION,
    SERVICES,
    Manifest,
    addresses,
    built,
    deployment,
    matches,
    named,
    of_kind,
    service_environment,
)

DATA = "ecommerce-data"
# The labels that an operator gives to the pods of a custom resource, and the end of the name of its Service for clients.
STORES = {
    "Cluster": ({"cnpg.io/cluster": "postgresql"}, "-rw"),
    "Kafka": ({"strimzi.io/cluster": "souk"}, "-kafka-bootstrap"),
    "Elasticsearch": ({"elasticsearch.k8s.elastic.co/cluster-name": "elasticsearch"}, "-es-http"),
}
# What operators need, from their documentation. Strimzi's may run in any namespace.
OPERATORS = [
    ("cnpg-system", "Cluster", 5432),
    ("cnpg-system", "Cluster", 8000),
    ("any", "Kafka", 8443),
    ("any", "Kafka", 9090),
    ("any", "Kafka", 9091),
    ("elastic-system", "Elasticsearch", 9200),
    ("monitoring", "Cluster", 9187),
]
# What pods of a store need among each other.
PEERS = [
    ("Cluster", 5432),
    ("Cluster", 8000),
    ("Kafka", 9090),
    ("Kafka", 9091),
    ("Elasticsearch", 9300),
]
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")


def rules(namespace: str, labels: dict[str, str], direction: str) -> list[tuple[Manifest, int]]:
    """The peers and ports that policies allow for a pod."""
    side = {"ingress": "from", "egress": "to"}[direction]
    return [
        (peer, entry["port"])
        for policy in of_kind(built(PRODUCTION), "NetworkPolicy")
        if policy["metadata"]["namespace"] == namespace and matches(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get(direction, [])
        for peer in rule[side]
        for entry in rule["ports"]
    ]


def selects(peer: Manifest, own: str, namespace: str, labels: dict[str, str]) -> bool:
    """Whether a peer of a policy in the namespace `own` selects a pod."""
    if "ipBlock" in peer:
        return False
    names = {"kubernetes.io/metadata.name": namespace}
    in_namespace = (
        matches(peer["namespaceSelector"], names) if "namespaceSelector" in peer else own == namespace
    )
    return in_namespace and matches(peer.get("podSelector", {}), labels)


def allows(direction: str, own: tuple[str, Any], other: tuple[str, Any], port: int) -> bool:
    """Whether policies allow a pod to connect to another, or to accept its connections."""
    return any(allowed == port and selects(peer, own[0], *other) for peer, allowed in rules(*own, direction))


def reaches(own: tuple[str, Any], address: str, port: int) -> bool:
    """Whether policies allow a pod to connect to an address outside of the cluster."""
    return any(
        allowed == port
        and "ipBlock" in peer
        and ip_address(address) in ip_network(peer["ipBlock"]["cidr"])
        and not any(ip_address(address) in ip_network(block) for block in peer["ipBlock"].get("except", []))
        for peer, allowed in rules(*own, "egress")
    )


def service_pod(service: str) -> tuple[str, Any]:
    """The namespace and labels of a service's pods."""
    return ("ecommerce", deployment(PRODUCTION, service)["spec"]["template"]["metadata"]["labels"])


def store_pod(kind: str) -> tuple[str, Any]:
    """The namespace and labels of a store's pods."""
    return (DATA, STORES[kind][0])


@pytest.mark.parametrize("namespace", ["ecommerce", DATA])
def test_both_namespaces_deny_by_default(namespace: str) -> None:
    (policy,) = [
        policy["spec"]
        for policy in of_kind(built(PRODUCTION), "NetworkPolicy")
        if policy["metadata"] == {"name": "default-deny", "namespace": namespace}
    ]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_exactly_the_stores_in_its_settings(service: str) -> None:
    used = {
        (host, port)
        for host, port in addresses(service_environment(PRODUCTION, service))
        if host.endswith(f".{DATA}")
    }
    ports = {port for _, port in used} | {5432, 9094, 9200}
    for direction, is_egress in (("egress", True), ("ingress", False)):
        allowed = set()
        for kind, (_, end) in STORES.items():
            host = f"{of_kind(built(PRODUCTION), kind)[0]['metadata']['name']}{end}.{DATA}"
            pair = (service_pod(service), store_pod(kind))
            own, other = pair if is_egress else pair[::-1]
            allowed |= {(host, port) for port in ports if allows(direction, own, other, port)}
        assert allowed == used, direction


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_services_and_addresses_in_its_settings(service: str) -> None:
    services = {manifest["metadata"]["name"] for manifest in of_kind(built(PRODUCTION), "Service")}
    provider = {"STRIPE_BASE_URL": "https://api.test"} if service == "payment" else {}
    for host, port in addresses(provider | service_environment(PRODUCTION, service)):
        if host in services:
            selector = named(built(PRODUCTION), "Service", host)["spec"]["selector"]
            assert allows("egress", service_pod(service), ("ecommerce", selector), port), host
        elif not host.endswith(f".{DATA}"):
            assert any(
                allowed == port and "ipBlock" in peer
                for peer, allowed in rules(*service_pod(service), "egress")
            ), host


@pytest.mark.parametrize(("namespace", "kind", "port"), OPERATORS)
def test_operators_and_prometheus_reach_their_stores(namespace: str, kind: str, port: int) -> None:
    # Of the installation by YAML manifests.
    labels = {"strimzi.io/kind": "cluster-operator"} if kind == "Kafka" else {}
    assert allows("ingress", store_pod(kind), (namespace, labels), port)


@pytest.mark.parametrize(("kind", "port"), PEERS)
def test_pods_of_a_store_reach_each_other(kind: str, port: int) -> None:
    for direction in ("ingress", "egress"):
        assert allows(direction, store_pod(kind), store_pod(kind), port)
        others = [other for other in STORES if other != kind]
        assert not any(allows(direction, store_pod(kind), store_pod(other), port) for other in others)


def test_postgresql_reaches_a_public_object_store_and_no_private_address_there() -> None:
    # Backups are archived over HTTPS.
    assert built_url("ObjectStore", "postgresql-backups").startswith("https://")
    assert reaches(store_pod("Cluster"), "198.51.100.7", 443)
    assert not any(reaches(store_pod("Cluster"), str(ip_network(block)[9]), 443) for block in PRIVATE)
    assert not reaches(store_pod("Elasticsearch"), "198.51.100.7", 443)


def built_url(kind: str, name: str) -> str:
    """The address of the object store."""
    url: str = named(built(PRODUCTION), kind, name)["spec"]["configuration"]["endpointURL"]
    return url


def test_instance_managers_and_the_user_operator_reach_the_api_server() -> None:
    for labels in ({"cnpg.io/cluster": "postgresql"}, {"strimzi.io/name": "souk-entity-operator"}):
        assert reaches((DATA, labels), "192.0.2.1", 6443)


def test_addresses_are_single_machines_or_public() -> None:
    for policy in of_kind(built(PRODUCTION), "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for block in [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]:
                is_narrow = ip_network(block["cidr"]).prefixlen >= 24
                assert is_narrow or set(PRIVATE) <= set(block.get("except", [])), policy["metadata"]
