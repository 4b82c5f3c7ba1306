"""Kafka and Elasticsearch for tests and the local stack, from the jars pinned in third_party/."""

import http.client
import os
import subprocess
from pathlib import Path

from kit.testing.process import free_port, port_open
from kit.testing.servers import Server

# The serial collector and only the C1 compiler: lowest memory use and fastest start on two cores. No counters for jstat, which are sampled
# twenty times a second.
_JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"]
_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


def _home(name: str) -> Path:
    """The folder of the server's jars: in the runfiles under Bazel, else from the environment."""
    variable = f"SOUK_{name.upper()}_HOME"
    if variable in os.environ:
        return Path(os.environ[variable])
    runfiles = os.environ.get("RUNFILES_DIR")
    if runfiles and (home := Path(runfiles, name, "home")).exists():
        return home.resolve()
    raise FileNotFoundError(
        f"no {name} server: run under Bazel with @{name}//:server in data, or set {variable}"
    )


class Kafka(Server):
    """A Kafka broker and controller in one process (KRaft), without automatic topic creation."""

    name = "kafka"

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        controller_port: int = 0,
        log: Path | None = None,
        heap: str = "256m",
        advertised_port: int = 0,
    ) -> None:
        """`advertised_port`: the port that clients use after the bootstrap, if not `port`."""
        super().__init__(folder, port=port, log=log)
        self.advertised_port = advertised_port
        self._controller_port = controller_port or free_port()
        self._heap = heap
        self.home = _home("kafka")
        self._data = folder / "data"
        self._properties = folder / "server.properties"

    def bootstrap(self) -> str:
        """Its bootstrap address."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        text = (self.home / "server.properties").read_text()
        own = "advertised.listeners=BROKER://127.0.0.1:"
        text = text.replace(f"{own}@PORT@", f"{own}{self.advertised_port or self.port}")
        for name, value in {
            "PORT": self.port,
            "CONTROLLER_PORT": self._controller_port,
            "DATA": self._data,
        }.items():
            text = text.replace(f"@{name}@", str(value))
        self._properties.write_text(text)
        if not (self._data / "meta.properties").exists():
            options = ["--cluster-id", _CLUSTER_ID, "--config", str(self._properties)]
            command = [*_JAVA, "-Xmx128m", *self._options(), "kafka.tools.StorageTool", "format", *options]
            subprocess.run(command, check=True, capture_output=True)

    def command(self) -> list[str]:
        java = [
            *_JAVA,
            f"-Xms{self._heap}",
            f"-Xmx{self._heap}",
            *self._options(),
            "kafka.Kafka",
            str(self._properties),
        ]
        # Two brokers on one folder would corrupt its metadata log; the broker's own lock is taken too late.
        return ["flock", "--nonblock", "--no-fork", str(self.folder / "lock"), *java]

    def ready(self) -> bool:
        return port_open(self.port)

    def _options(self) -> list[str]:
        return [f"-Dlog4j2.configurationFile={self.home / 'log4j2.yaml'}", "-cp", f"{self.home / 'lib'}/*"]


class Elasticsearch(Server):
    """One Elasticsearch node."""

    name = "elasticsearch"

    def __init__(self, folder: Path, *, port: int = 0, log: Path | None = None, heap: str = "320m") -> None:
        super().__init__(folder, port=port, log=log)
        self._heap = heap
        self.home = _home("elasticsearch")

    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        return {"ES_PORT": str(self.port), "ES_DATA": str(self.folder / "data")}

    def command(self) -> list[str]:
        modules = ["--module-path", str(self.home / "lib"), "--add-modules", "ALL-MODULE-PATH"]
        launcher = ["-cp", str(self.home / "launcher.jar"), "ElasticsearchNode", str(self.home)]
        return [*_JAVA, f"-Xms{self._heap}", f"-Xmx{self._heap}", *modules, *launcher]

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
