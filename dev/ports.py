"""The ports of the local stack and the environment of its services. SOUK_<NAME>_PORT overrides a port."""

import os
import secrets
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

SERVICES = ("account", "catalog", "order", "payment", "notification", "gateway")
_DATABASES = SERVICES[:-1]
# Linux assigns ports from 32768 on to outgoing connections.
_MIN_PORT, _MAX_PORT = 10_000, 32_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """TCP ports of 127.0.0.1."""

    storefront: int = 8080
    gateway: int = 8000
    account: int = 8001
    catalog: int = 8002
    order: int = 8003
    payment: int = 8004
    notification: int = 8005
    account_grpc: int = 9001
    catalog_grpc: int = 9002
    order_grpc: int = 9003
    payment_grpc: int = 9004
    notification_grpc: int = 9005
    stripe: int = 8010
    mail_web: int = 1080
    smtp: int = 1025
    postgresql: int = 5432
    redis: int = 6379
    kafka: int = 9092
    kafka_controller: int = 9093
    elasticsearch: int = 9200
    prometheus: int = 9090
    dashboards: int = 3000
    start_page: int = 8009
    logs: int = 5601

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Ports":
        """The defaults with the environment's overrides; raises ValueError naming every invalid variable."""
        overrides: dict[str, int] = {}
        errors: list[str] = []
        for field in fields(cls):
            variable = f"SOUK_{field.name.upper()}_PORT"
            text = environ.get(variable, "")
            if text.isdecimal() and 0 < int(text) < 65536:
                overrides[field.name] = int(text)
            elif text:
                errors.append(f"{variable}={text}: not a port")
        if errors:
            raise ValueError("\n".join(errors))
        return cls(**overrides)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that are free now, for a further stack; below the range that the kernel assigns to outgoing connections."""
        names = [field.name for field in fields(cls)]
        while True:
            first = _MIN_PORT + secrets.randbelow(_MAX_PORT - _MIN_PORT - len(names))
            ports = cls(**{name: first + n for n, name in enumerate(names)})
            if not ports.conflicts():
                return ports

    def conflicts(self) -> list[str]:
        """An error message for each port that is in use, naming the variable that overrides it."""
        lines = []
        for field in fields(self):
            port = getattr(self, field.name)
            with socket.socket() as probe:
                # Servers set it too: a port with connections in TIME_WAIT counts as free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    lines.append(f"port {port} is in use: set SOUK_{field.name.upper()}_PORT to another port")
        return lines


def addresses(ports: Ports, *, logs: bool = False) -> dict[str, str]:
    """Where a developer finds what, by name: for the terminal and for the page at /."""
    local = "127.0.0.1"
    gateway = f"http://{local}:{ports.gateway}"
    listed = {
        "Shop": f"http://{local}:{ports.storefront}",
        "Playground": f"{gateway}/playground",
        "GraphQL": f"POST {gateway}/graphql",
        "Mails": f"http://{local}:{ports.mail_web}",
        "Mail templates": f"http://{local}:{ports.notification}/preview",
        "PostgreSQL": f"{local}:{ports.postgresql} (one database per service; user and password: souk)",
        "Redis": f"{local}:{ports.redis}",
        "Kafka": f"{local}:{ports.kafka}",
        "Elasticsearch": f"http://{local}:{ports.elasticsearch}",
        "Stripe mock": f"{local}:{ports.stripe}",
    }
    if shutil.which("prometheus"):
        listed["Dashboards"] = f"http://{local}:{ports.dashboards}"
        listed["Prometheus"] = f"http://{local}:{ports.prometheus}"
    if logs:
        listed["Logs"] = f"http://{local}:{ports.logs}/select/vmui/"
    return listed


def service_environment(
    service: str, ports: Ports, state: Path, *, replica: int = 0, replica_ports: Sequence[Ports] = ()
) -> dict[str, str]:
    """The environment of one service: the development profile's defaults for these ports and this folder.

    `replica_ports`: ports of further replicas of every service; this one is number `replica`.
    """
    replicas = (ports, *replica_ports)
    own = replicas[replica]
    environment = {
        "PROFILE": "development",
        "HTTP_PORT": str(getattr(own, service)),
        "REDIS_URL": f"redis://127.0.0.1:{ports.redis}/0",
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{ports.kafka}",
        "ELASTICSEARCH_URL": f"http://127.0.0.1:{ports.elasticsearch}",
        "JWKS_URL": f"http://127.0.0.1:{ports.account}/.well-known/jwks.json",
        "SIGNING_KEYS_FILE": str(state / "signing-keys.json"),
        "STRIPE_BASE_URL": f"http://127.0.0.1:{ports.stripe}",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(ports.smtp),
        "SHOP_URL": f"http://127.0.0.1:{ports.storefront}",
    }
    for peer in _DATABASES:
        environment[f"{peer.upper()}_ADDRESS"] = ",".join(
            f"127.0.0.1:{getattr(replica, peer + '_grpc')}" for replica in replicas
        )
    if service == "gateway":
        environment["CORS_ORIGINS"] = f"http://127.0.0.1:{ports.storefront}"
        environment["START_PAGE_URL"] = f"http://127.0.0.1:{ports.start_page}"
    if service in _DATABASES:
        environment["GRPC_PORT"] = str(getattr(own, service + "_grpc"))
        environment["DATABASE_URL"] = f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}/{service}"
    # The caller's own variables win, e.g. LOG_LEVEL=DEBUG.
    return environment | {
        name: os.environ[name] for name in ("LOG_LEVEL", "OTLP_ENDPOINT") if name in os.environ
    }
