"""A Kubernetes node, built from source (third_party/kubernetes), in namespaces of its own."""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.cluster.configuration import (
    ADDRESS,
    CLUSTER,
    NAME,
    SERVICES,
    STARTING_SECONDS,
    write_configuration,
)
from tests.cluster.namespaces import add_address, enter_namespaces, replace_file
from tests.cluster.processes import Processes, wait_for

_FOLDER: Final = Path(__file__).parent
# For PostgreSQL, Kafka and Elasticsearch.
_VOLUMES: Final = ("1", "2", "3")
_COVERED: Final = ("/run", "/var/lib", "/var/log")
_CGROUPS: Final = ("kubepods", "k8s.io")
_CTR: Final = ("ctr", "--address=/run/containerd/containerd.sock", "--namespace=k8s.io")
_HOSTS: Final = "/etc/hosts"
_ETCD: Final = "http://127.0.0.1:2379"


def programs() -> Path:
    """The folder of @kubernetes, from Bazel's runfiles or the folder SOUK_KUBERNETES."""
    given = os.environ.get("SOUK_KUBERNETES")
    return Path(given or os.environ["RUNFILES_DIR"] + "/kubernetes").resolve()


class Node:
    """API server, controllers, scheduler, kubelet, kube-proxy and kube-router on etcd and containerd; there can be one in a process."""

    def __init__(self, state: Path) -> None:
        """`state`: an empty folder."""
        self._state = state
        folder = programs()
        state.mkdir()
        enter_namespaces({covered: state / "covers" / covered[1:] for covered in _COVERED})
        replace_file(_HOSTS, state / "hosts")
        add_address("node0", ADDRESS)
        write_configuration(state)
        for volume in _VOLUMES:
            (state / "volumes" / volume).mkdir(parents=True)
        debian = folder / "debian"
        paths = [folder / "bin", debian / "usr/bin", debian / "usr/sbin", debian / "sbin"]
        self._processes = Processes(
            folder / "bin" / "pause",
            state / "logs",
            {
                "PATH": ":".join(map(str, [*paths, "/usr/sbin", "/sbin", "/usr/bin", "/bin"])),
                "LD_LIBRARY_PATH": str(debian / "usr/lib/x86_64-linux-gnu"),
                "KUBECONFIG": str(state / "kubeconfig"),
            },
        )

    def start(self, images: Path) -> None:
        """Returns once the node is Ready and names are resolved; `images`: an archive of everything that will run."""
        self._start_servers()
        self.import_images(images)
        self._start_controllers()
        self._start_agents()
        self.apply((_FOLDER / "node.yaml").read_text().replace("STATE_FOLDER", str(self._state)))
        wait_for(lambda: "node/" in self._output("get", "nodes", "--output=name"), "the node")
        self.wait("node/node", "condition=Ready")
        self._start_router()
        self.kubectl(
            "rollout", "status", "-n=kube-system", "deployment/coredns", f"--timeout={STARTING_SECONDS}s"
        )

    def stop(self) -> None:
        """Kills all processes and containers, and removes the cgroups that they leave."""
        self._processes.kill()
        # A cgroup cannot be removed before its last process is gone.
        wait_for(_have_no_cgroups, "the end of all containers")

    def check(self) -> None:
        """Raises RuntimeError if one of the node's programs has ended."""
        self._processes.check()

    def import_images(self, archive: Path) -> None:
        """Makes the images of an archive available to pods."""
        self._processes.run(*_CTR, "images", "import", str(archive))

    def images(self) -> dict[str, str]:
        """The digest of every image that is available, by name."""
        lines = self._processes.run(*_CTR, "images", "ls").splitlines()[1:]
        return {name: digest for name, _, digest, *_ in map(str.split, lines)}

    def name(self, host: str, address: str) -> None:
        """Lets this process resolve a name."""
        with Path(_HOSTS).open("a") as hosts:
            hosts.write(f"{address} {host}\n")

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """The output of kubectl; raises RuntimeError if it fails."""
        return self._processes.run("kubectl", *arguments, stdin=stdin)

    def try_kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """What kubectl did."""
        return self._processes.result("kubectl", *arguments, stdin=stdin)

    def apply(self, manifests: str, *options: str) -> None:
        """kubectl apply."""
        self.kubectl("apply", "--filename=-", *options, stdin=manifests)

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that `kubectl get` lists."""
        listed: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        return listed

    def wait(self, what: str, condition: str, *options: str, seconds: int = STARTING_SECONDS) -> None:
        """kubectl wait."""
        self.kubectl("wait", what, f"--for={condition}", f"--timeout={seconds}s", *options)

    def _output(self, *arguments: str) -> str:
        return self.try_kubectl(*arguments).stdout

    def _start_servers(self) -> None:
        state, key = self._state, self._state / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self._processes.start("containerd", "--config", f"{state}/containerd.toml")
        self._processes.start(
            "etcd",
            f"--data-dir={state}/etcd",
            f"--listen-client-urls={_ETCD}",
            f"--advertise-client-urls={_ETCD}",
        )
        self._processes.start(
            "kube-apiserver",
            f"--etcd-servers={_ETCD}",
            f"--advertise-address={ADDRESS}",
            f"--cert-dir={state}/certificates",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={state}/tokens.csv",
            "--authorization-mode=RBAC",
            "--kubelet-preferred-address-types=InternalIP",
        )
        wait_for(lambda: self._output("get", "--raw", "/readyz") == "ok", "the API server")

    def _start_controllers(self) -> None:
        access = f"--kubeconfig={self._state}/kubeconfig"
        self._processes.start(
            "kube-controller-manager",
            access,
            f"--service-account-private-key-file={self._state}/service-accounts.key",
            f"--root-ca-file={self._state}/certificates/apiserver.crt",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={CLUSTER}",
            "--leader-elect=false",
        )
        self._processes.start("kube-scheduler", access, "--leader-elect=false")

    def _start_agents(self) -> None:
        access = f"--kubeconfig={self._state}/kubeconfig"
        self._processes.start(
            "kubelet",
            access,
            f"--config={self._state}/kubelet.yaml",
            f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}",
            f"--root-dir={self._state}/kubelet",
            f"--cert-dir={self._state}/kubelet/pki",
        )
        self._processes.start("kube-proxy", f"--config={self._state}/kube-proxy.yaml")

    def _start_router(self) -> None:
        """It ends at once if there is no node yet."""
        self._processes.start(
            "kube-router",
            f"--kubeconfig={self._state}/kubeconfig",
            "--run-router=false",
            "--run-firewall=true",
            "--run-service-proxy=false",
            f"--hostname-override={NAME}",
            f"--service-cluster-ip-range={SERVICES}",
            "--enable-ipv4=true",
            "--enable-ipv6=false",
            "--health-port=0",
            "--iptables-sync-period=30s",
        )


def _have_no_cgroups() -> bool:
    """Removes those that are empty; returns whether none is left."""
    roots = [root / name for root in Path("/sys/fs/cgroup").glob("*/") for name in _CGROUPS]
    for root in roots:
        for folder in sorted(root.glob("**/"), reverse=True):
            with suppress(OSError):
                folder.rmdir()
    return not any(root.exists() for root in roots)
