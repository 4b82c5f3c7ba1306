"""The configuration files of a node's programs."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

ADDRESS: Final = "172.30.0.1"
NAME: Final = "node"
SERVICES: Final = "10.96.0.0/16"
DNS: Final = "10.96.0.10"
TOKEN: Final = "admin-of-this-node"
PAUSE: Final = "localhost/pause:souk"
CLUSTER: Final = "10.244.0.0/16"
STARTING_SECONDS: Final = 180
_PODS: Final = "10.244.0.0/24"

# The machine's disk is not the node's alone: by default pods are evicted when it is 85 % full.
_NO_EVICTION: Final = {
    "memory.available": "100Mi",
    "nodefs.available": "1%",
    "nodefs.inodesFree": "1%",
    "imagefs.available": "1%",
    "imagefs.inodesFree": "1%",
}


def write_configuration(state: Path) -> None:
    """Writes everything into `state`."""
    (state / "cni").mkdir()
    (state / "cni" / "10-souk.conflist").write_text(json.dumps(_network(state)))
    (state / "containerd.toml").write_text(_containerd(state))
    (state / "tokens.csv").write_text(f'{TOKEN},admin,1,"system:masters"\n')
    for name, document in (
        ("kubeconfig", _kubeconfig()),
        ("kubelet.yaml", _kubelet(state)),
        ("kube-proxy.yaml", _kube_proxy(state)),
    ):
        (state / name).write_text(yaml.safe_dump(document))


def _network(state: Path) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": _PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(state / "addresses"),
    }
    bridge = {
        "type": "bridge",
        "bridge": "pods0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "1.0.0", "name": "souk", "plugins": [bridge]}


def _containerd(state: Path) -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE no process may lower its score.
    return f"""\
version = 2
root = "{state}/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "/usr/sbin/runc"
      SystemdCgroup = false
"""


def _kubeconfig() -> dict[str, Any]:
    cluster = {"server": f"https://{ADDRESS}:6443", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "admin"}}],
        "current-context": NAME,
    }


def _kubelet(state: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # 1.35 otherwise refuses the first version of cgroups.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        "failSwapOn": False,
        # Images are imported, never pulled.
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": _NO_EVICTION,
        "volumePluginDir": str(state / "plugins"),
    }


def _kube_proxy(state: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(state / "kubeconfig")},
        "clusterCIDR": CLUSTER,
        "hostnameOverride": NAME,
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
