"""What pods request from nodes: the sums that the guide names, and the overlay for small nodes."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.lint.checkout import ROOT
from tests.manifests.manifests import BASE, Manifest, built, containers, named, of_kind

SMALL = "k8s/overlays/small"


def replicas(workload: Manifest, manifests: tuple[Manifest, ...]) -> int:
    """As many as its autoscaler starts with, or else as it has itself."""
    name = workload["metadata"]["name"]
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        if scaler["spec"]["scaleTargetRef"]["name"] == name:
            return int(scaler["spec"]["minReplicas"])
    return int(workload["spec"]["replicas"])


def requests(folder: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The replicas and requests of every container that keeps running."""
    manifests = built(folder)
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            yield replicas(workload, manifests), container["resources"]["requests"]


def millicores(text: Any) -> int:
    """A Kubernetes quantity of CPU."""
    return int(text[:-1]) if str(text).endswith("m") else int(float(text) * 1000)


def mebibytes(text: str) -> int:
    """A Kubernetes quantity of memory."""
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


def cpu(folder: str) -> int:
    """Millicores of all pods."""
    return sum(count * millicores(request["cpu"]) for count, request in requests(folder))


def test_the_guide_names_what_a_trial_requests() -> None:
    guide = (ROOT / "docs" / "operations" / "install.md").read_text()
    memory = sum(count * mebibytes(request["memory"]) for count, request in requests(BASE))
    assert f"request {cpu(BASE) / 1000:g} cores and {memory} MiB" in guide
    added = sum(millicores(request["cpu"]) for count, request in requests(BASE) if count == 2)
    assert f"up to {added / 1000:g} cores more during an upgrade" in guide
    assert f"requests {cpu(SMALL) / 1000:g} cores" in guide


def test_the_overlay_for_small_nodes_differs_in_requests_of_cpu_only() -> None:
    base, small = built(BASE), built(SMALL)
    assert cpu(SMALL) < 500
    for one, other in zip(base, small, strict=True):
        assert without_cpu(one) == without_cpu(other)


def without_cpu(manifest: Manifest) -> Manifest:
    """The manifest without requests of CPU, and without the targets of an autoscaler."""
    manifest = deepcopy(manifest)
    if manifest["kind"] == "HorizontalPodAutoscaler":
        del manifest["spec"]["metrics"]
    elif manifest["kind"] in ("Deployment", "StatefulSet"):
        for container in containers(manifest["spec"]["template"]):
            del container["resources"]["requests"]["cpu"]
    return manifest


def test_on_small_nodes_replicas_are_added_at_the_same_load() -> None:
    for scaler in of_kind(built(BASE), "HorizontalPodAutoscaler"):
        name = scaler["metadata"]["name"]
        [base], [small] = (
            named(built(folder), "HorizontalPodAutoscaler", name)["spec"]["metrics"]
            for folder in (BASE, SMALL)
        )
        workload = named(built(BASE), "Deployment", scaler["spec"]["scaleTargetRef"]["name"])
        [container] = workload["spec"]["template"]["spec"]["containers"]
        share = base["resource"]["target"]["averageUtilization"] / 100
        requested = millicores(container["resources"]["requests"]["cpu"])
        assert millicores(small["resource"]["target"]["averageValue"]) == requested * share, name
