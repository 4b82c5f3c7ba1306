"""What every service is told."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from kit.settings.fields import IdentityMode, Profile, setting

_GRACE = timedelta(seconds=20)
# Where the manifests mount what cert-manager writes.
_IDENTITY = Path("/etc/souk/identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSettings:
    """Settings that all services share; a service adds its own and gives its ports' development values.

    `service` is its name: what its certificates must be for.
    """

    service: ClassVar[str] = ""

    profile: Profile = setting(
        "development (the only one with working defaults) or production", default=Profile.PRODUCTION
    )
    http_host: str = setting(
        "Address the HTTP server listens on",
        default="0.0.0.0",  # noqa: S104 - a container's only way to be reached
        development="127.0.0.1",
    )
    http_port: int = setting(
        "Port of HTTP: health, metrics, own routes", development=8080, minimum=0, maximum=65535
    )
    grpc_host: str = setting(
        "Address the gRPC server listens on",
        default="0.0.0.0",  # noqa: S104 - a container's only way to be reached
        development="127.0.0.1",
    )
    grpc_port: int = setting("Port of gRPC", development=9080, minimum=0, maximum=65535)
    jwks_url: str = setting(
        "Where the account service publishes its public keys",
        development="http://127.0.0.1:8001/.well-known/jwks.json",
    )
    kafka_bootstrap: str = setting(
        "Kafka, host:port[,host:port]; by TLS tls://host:port[,host:port]?ca=FILE, with a certificate &cert=FILE&key=FILE",
        development="127.0.0.1:9092",
    )
    inbox_retention_seconds: timedelta = setting(
        "Seconds for which a database remembers handled events, by which a repeated one has no effect; longer than Kafka keeps any topic",
        default=timedelta(days=30),
        minimum=timedelta(days=8).total_seconds(),
    )
    outbox_retention_seconds: timedelta = setting(
        "Seconds for which a database keeps events after it published them, to look them up or replay them",
        default=timedelta(days=7),
        minimum=timedelta(hours=1).total_seconds(),
    )
    identity: IdentityMode = setting(
        "Mutual TLS between services and to Kafka: off; accept (gRPC is served with and without TLS); "
        "call (and calls use TLS); require (nothing is served without TLS, and Kafka needs a certificate)",
        default=IdentityMode.REQUIRE,
        development=IdentityMode.OFF,
    )
    identity_certificate: Path = setting(
        "PEM file of this service's certificate and its chain; read again when it changes, as are the next two",
        default=_IDENTITY / "tls.crt",
    )
    identity_key: Path = setting("PEM file of the certificate's private key", default=_IDENTITY / "tls.key")
    identity_authorities: Path = setting(
        "PEM file of the authorities that sign the certificates of all services", default=_IDENTITY / "ca.crt"
    )
    log_level: str = setting("DEBUG, INFO, WARNING or ERROR", default="INFO")
    otlp_endpoint: str = setting("OTLP over HTTP, e.g. http://collector:4318; empty: no export", default="")
    trace_sample_ratio: float = setting(
        "Share kept of traces that start here, 0-1", default=0.05, minimum=0, maximum=1
    )
    drain_seconds: timedelta = setting(
        "Seconds after SIGTERM in which new requests are still taken, while whoever sends them learns to go elsewhere",
        default=timedelta(seconds=6),
        development=timedelta(0),
        minimum=0,
        maximum=600,
    )
    shutdown_grace_seconds: timedelta = setting(
        "Seconds for calls in flight to end, after that", default=_GRACE, minimum=0, maximum=600
    )

    @property
    def is_development(self) -> bool:
        """Whether conveniences for developers are on."""
        return self.profile is Profile.DEVELOPMENT
