"""Network policies as a cluster enforces them: every way of the table is open, and every other is closed."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from dev.ports import SERVICES
from tests.cluster.cluster import checkout
from tests.cluster.configuration import ADDRESS
from tests.cluster.deployment import Deployment
from tests.cluster.images import third_party_images
from tests.cluster.ways import ALLOWED, OUTSIDE, TRACES, every_way

_API_SERVER: Final = ("API server", 6443)
_PORTS: Final = {
    **{name: (8080, 9080) for name in SERVICES if name != "gateway"},
    "gateway": (8080,),
    "elasticsearch": (9200,),
    "kafka": (9092,),
    "mail": (1025, 1080),
    "postgresql": (5432,),
    "redis": (6379,),
    "stripe-mock": (8010,),
    **dict.fromkeys(OUTSIDE, (TRACES,)),
}
# A pod that listens where a collector of traces would.
_OUTSIDER: Final = """
apiVersion: v1
kind: Pod
metadata: {name: outsider}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: outsider, image: IMAGE, imagePullPolicy: IfNotPresent, args: [--port, "PORT"]}
"""
_PYTHON_PROBE: Final = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def is_open(target):
    try:
        socket.create_connection((target[1], target[2]), 3).close()
        return True
    except OSError:
        return False
targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(32) as pool:
    print(json.dumps([target[0] for target, opened in zip(targets, pool.map(is_open, targets)) if opened]))
"""
_BASH_PROBE: Final = """
for target in "$@"; do
  IFS=, read -r name address port <<< "$target"
  (timeout 3 bash -c "exec 3<>/dev/tcp/$address/$port" 2> /dev/null && echo "$name") &
done
wait
"""


@pytest.fixture(scope="module")
def pods(souk: Deployment) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The pods of every component, and one of each other namespace."""
    [redis] = [image for image in third_party_images(checkout()) if image.startswith("redis:")]
    outsider = _OUTSIDER.replace("IMAGE", redis).replace("PORT", str(TRACES))
    for namespace in OUTSIDE:
        if namespace != "default":
            souk.node.kubectl("create", "namespace", namespace)
        # Made a moment after the namespace.
        souk.node.wait("serviceaccount/default", "create", f"--namespace={namespace}")
        souk.node.apply(outsider, f"--namespace={namespace}")
    for namespace in OUTSIDE:
        souk.node.wait("pod/outsider", "condition=Ready", f"--namespace={namespace}")
    outsiders = {name: souk.node.get("pods", f"--namespace={name}") for name in OUTSIDE}
    return {name: souk.pods(name) for name in _PORTS if name not in OUTSIDE} | outsiders


def test_every_way_of_the_table_is_open_and_no_other(
    souk: Deployment, pods: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        opened = {way for ways in pool.map(lambda name: open_ways(souk, pods, name), pods) for way in ways}

    ports = [_API_SERVER, *((name, port) for name, ports in _PORTS.items() for port in ports)]
    tried = {way for way in every_way(ports, pods) if not {way[0], way[1]} <= {*OUTSIDE}}
    # Other namespaces are not restricted, so that the API server is seen to be open.
    allowed = ALLOWED | {(namespace, *_API_SERVER) for namespace in OUTSIDE}
    assert opened - allowed == set()
    assert allowed - opened == set()
    print(f"\n{len(opened)} ways open, {len(tried) - len(opened)} closed")


def open_ways(
    souk: Deployment, pods: Mapping[str, Sequence[Mapping[str, Any]]], caller: str
) -> set[tuple[str, str, int]]:
    """The connections that a component's pod can open."""
    pod = pods[caller][0]
    targets = {"{}:{}".format(*_API_SERVER): (ADDRESS, _API_SERVER[1])}
    for name, ports in _PORTS.items():
        if {caller, name} <= {*OUTSIDE}:
            continue
        # A pod always reaches itself.
        others = [other for other in pods[name] if other["metadata"]["name"] != pod["metadata"]["name"]]
        if others:
            targets |= {f"{name}:{port}": (others[0]["status"]["podIP"], port) for port in ports}
    return {
        (caller, name, int(port))
        for name, _, port in (way.partition(":") for way in probe(souk, pod, targets))
    }


def probe(souk: Deployment, pod: Mapping[str, Any], targets: Mapping[str, tuple[str, int]]) -> list[str]:
    """The names of the targets that a pod reaches."""
    name, namespace = pod["metadata"]["name"], f"--namespace={pod['metadata']['namespace']}"
    if pod["spec"]["containers"][0]["image"].startswith("souk/"):
        listed = json.dumps([[name, *target] for name, target in targets.items()])
        output = souk.node.kubectl(
            "exec", namespace, name, "--", "/usr/bin/python3.11", "-S", "-c", _PYTHON_PROBE, listed
        )
        opened: list[str] = json.loads(output)
        return opened
    arguments = [f"{name},{address},{port}" for name, (address, port) in targets.items()]
    return souk.node.kubectl(
        "exec", namespace, name, "--", "bash", "-c", _BASH_PROBE, "probe", *arguments
    ).splitlines()
