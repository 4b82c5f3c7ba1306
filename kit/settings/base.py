"""Settings that all services share."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from kit.settings.fields import IdentityMode, Profile, setting

_GRACE = timedelta(seconds=20)
# Where the manifests mount the certificate that cert-manager issues.
_IDENTITY = Path("/etc/souk/identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSettings:
    """Settings that all services share; a service adds its own and the development values of its ports.

    `service` is its name, which its certificates must carry.
    """

    service: ClassVar[str] = ""

    profile: Profile = setting(
        "development (the only one with working defaults) or production", default=Profile.PRODUCTION
    )
    http_host: str = setting(
        "Address the HTTP server listens on",
        default="0.0.0.0",  # noqa: S104 - required in a container
        development="127.0.0.1",
    )
    http_port: int = setting(
        "HTTP port: health, metrics, the service's own routes", development=8080, minimum=0, maximum=65535
    )
    http_shared_port: int = setting(
        "A second HTTP port, which several processes of the service on one machine share, so that they use several cores behind one "
        "address; each has an HTTP_PORT of its own for its health and metrics; 0: none",
        default=0,
        minimum=0,
        maximum=65535,
    )
    grpc_host: str = setting(
        "Address the gRPC server listens on",
        default="0.0.0.0",  # noqa: S104 - required in a container
        development="127.0.0.1",
    )
    grpc_port: int = setting("gRPC port", development=9080, minimum=0, maximum=65535)
    jwks_url: str = setting(
        "URL of the account service's public keys (JWKS)",
        development="http://127.0.0.1:8001/.well-known/jwks.json",
    )
    kafka_bootstrap: str = setting(
        "Kafka brokers, host:port[,host:port]; with TLS tls://host:port[,host:port]?ca=FILE, with a client certificate &cert=FILE&key=FILE",
        development="127.0.0.1:9092",
    )
    inbox_retention_seconds: timedelta = setting(
        "Seconds to keep the ids of handled events, which make redelivery harmless; longer than Kafka retains any topic",
        default=timedelta(days=30),
        minimum=timedelta(days=8).total_seconds(),
    )
    outbox_retention_seconds: timedelta = setting(
        "Seconds to keep published events in the outbox, for lookup and replay",
        default=timedelta(days=7),
        minimum=timedelta(hours=1).total_seconds(),
    )
    identity: IdentityMode = setting(
        "Mutual TLS between services and to Kafka: off; accept (gRPC is served with and without TLS); "
        "call (also use TLS for calls); require (gRPC only with TLS, and Kafka with a client certificate)",
        default=IdentityMode.REQUIRE,
        development=IdentityMode.OFF,
    )
    identity_certificate: Path = setting(
        "PEM file of this service's certificate chain; reloaded when it changes, as are the key and the authorities",
        default=_IDENTITY / "tls.crt",
    )
    identity_key: Path = setting("PEM file of the certificate's private key", default=_IDENTITY / "tls.key")
    identity_authorities: Path = setting(
        "PEM file of the authorities that sign all services' certificates", default=_IDENTITY / "ca.crt"
    )
    log_level: str = setting("DEBUG, INFO, WARNING or ERROR", default="INFO")
    otlp_endpoint: str = setting("OTLP over HTTP, e.g. http://collector:4318; empty: no export", default="")
    trace_sample_ratio: float = setting(
        "Share of traces that are sampled, 0-1", default=0.05, minimum=0, maximum=1
    )
    trace_jobs: bool = setting(
        "Whether runs of periodic jobs are sampled too; they run every second, whether there is work or not",
        default=True,
        development=False,
    )
    drain_seconds: timedelta = setting(
        "Seconds after SIGTERM during which new requests are still accepted, until load balancers and clients stop sending them",
        default=timedelta(seconds=6),
        development=timedelta(0),
        minimum=0,
        maximum=600,
    )
    shutdown_grace_seconds: timedelta = setting(
        "Seconds after the drain for calls in flight to finish", default=_GRACE, minimum=0, maximum=600
    )

    @property
    def is_development(self) -> bool:
        """Whether development conveniences are on."""
        return self.profile is Profile.DEVELOPMENT
