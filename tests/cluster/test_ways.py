"""The table of allowed connections, which a cluster is tested with, is what the manifests allow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.cluster.ways import ALLOWED, OUTSIDE, TRACES, Way
from tests.manifests.manifests import BASE, Manifest, built, matches, of_kind, pods

NAMESPACE = "ecommerce"


@dataclass(frozen=True)
class Place:
    """A component, or a pod of another namespace."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]


def places() -> list[Place]:
    """The components of a trial, and a pod of each other namespace."""
    components = [
        Place(
            template["metadata"]["labels"]["app.kubernetes.io/name"],
            NAMESPACE,
            template["metadata"]["labels"],
            tuple(port["containerPort"] for port in template["spec"]["containers"][0]["ports"]),
        )
        for _, template in pods(built(BASE))
    ]
    return components + [Place(namespace, namespace, {}, (TRACES,)) for namespace in OUTSIDE]


def selects(peer: Manifest, place: Place) -> bool:
    """Whether a peer of a rule is this place."""
    if not matches(peer.get("podSelector", {}), place.labels):
        return False
    if "namespaceSelector" in peer:
        return matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": place.namespace})
    return "podSelector" in peer and place.namespace == NAMESPACE


def allows(side: str, peers: str, own: Place, other: Place, port: int) -> bool:
    """Whether policies let `own` connect with `other`; those of this namespace restrict no other."""
    rules: Iterable[Manifest] = (
        rule
        for policy in of_kind(built(BASE), "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], own.labels)
        for rule in policy["spec"].get(side, [])
    )
    return own.namespace != NAMESPACE or any(
        port in [entry["port"] for entry in rule["ports"]]
        and any(selects(peer, other) for peer in rule[peers])
        for rule in rules
    )


def allowed_by_manifests() -> set[Way]:
    """Every connection that may leave one place and enter another."""
    return {
        (caller.name, callee.name, port)
        for caller in places()
        for callee in places()
        for port in callee.ports
        if NAMESPACE in (caller.namespace, callee.namespace)
        and allows("egress", "to", caller, callee, port)
        and allows("ingress", "from", callee, caller, port)
    }


def test_the_table_is_what_the_manifests_allow() -> None:
    assert allowed_by_manifests() == ALLOWED
