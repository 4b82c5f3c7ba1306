"""Where the local stack listens, and what its services are told. Each port is a setting: SOUK_<NAME>_PORT."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

SERVICES = ("account", "catalog", "order", "payment", "notification", "gateway")
_DATABASES = SERVICES[:-1]
# Linux gives connections ports from 32768 on.
_LOWEST, _HIGHEST = 10_000, 32_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """TCP ports of 127.0.0.1."""

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

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Ports":
        """The defaults, but for what the environment sets; raises ValueError naming every variable that is no port."""
        found: dict[str, int] = {}
        faults: list[str] = []
        for field in fields(cls):
            variable = f"SOUK_{field.name.upper()}_PORT"
            text = environ.get(variable, "")
            if text.isdecimal() and 0 < int(text) < 65536:
                found[field.name] = int(text)
            elif text:
                faults.append(f"{variable}={text}: not a port")
        if faults:
            raise ValueError("\n".join(faults))
        return cls(**found)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that are free now, for a stack beside others: below those that the kernel gives to connections, which would take them."""
        names = [field.name for field in fields(cls)]
        while True:
            first = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST - len(names))
            ports = cls(**{name: first + n for n, name in enumerate(names)})
            if not ports.taken():
                return ports

    def taken(self) -> list[str]:
        """A line for each port that somebody else listens on, with the variable that moves it."""
        lines = []
        for field in fields(self):
            port = getattr(self, field.name)
            with socket.socket() as probe:
                # As servers do: a port whose last connections are still closing is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    lines.append(f"port {port} is taken: set SOUK_{field.name.upper()}_PORT to another")
        return lines


def service_environment(
    service: str, ports: Ports, state: Path, *, replica: int = 0, more: Sequence[Ports] = ()
) -> dict[str, str]:
    """What one service is told: the development profile's defaults, written out for these ports and this folder.

    `more`: ports of further replicas of every service, of which this one is number `replica`.
    """
    replicas = (ports, *more)
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
        "SHOP_URL": f"http://127.0.0.1:{ports.gateway}",
        # On one machine for all, what nobody waits for takes its time.
        "CHARGES_AT_ONCE": "4",
        "CHARGES_PER_SECOND": "20",
        "MAILS_AT_ONCE": "2",
        # Two an order: placed and confirmed.
        "MAILS_PER_SECOND": "40",
    }
    for peer in _DATABASES:
        environment[f"{peer.upper()}_ADDRESS"] = ",".join(
            f"127.0.0.1:{getattr(each, peer + '_grpc')}" for each in replicas
        )
    if service == "gateway":
        pages = {
            "Playground": "/playground",
            "Mails": f"http://127.0.0.1:{ports.mail_web}",
            "Mail templates": f"http://127.0.0.1:{ports.notification}/preview",
            "Prometheus": f"http://127.0.0.1:{ports.prometheus}",
        }
        environment["HOME_LINKS"] = ",".join(f"{name}={url}" for name, url in pages.items())
    if service in _DATABASES:
        environment["GRPC_PORT"] = str(getattr(own, service + "_grpc"))
        environment["DATABASE_URL"] = f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}/{service}"
    # What the caller sets for a service itself, e.g. LOG_LEVEL=DEBUG, wins.
    return environment | {
        name: os.environ[name] for name in ("LOG_LEVEL", "OTLP_ENDPOINT") if name in os.environ
    }
