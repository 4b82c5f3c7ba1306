"""The stack with mutual TLS: six services with certificates of a test authority, and a Kafka with TLS and ACLs."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import yaml

from dev.ports import SERVICES, Ports
from dev.stack import Stack
from kit.events.access import Acl
from kit.identity import CertificateFiles, Identity, ReloadingCertificate
from kit.testing import Elasticsearch, Kafka
from kit.testing.certificates import Authority, Mount
from kit.testing.secured import SecuredKafka

# tests/manifests compares these with the subscriptions of the services.
_USERS = Path(__file__).parents[2] / "k8s" / "overlays" / "production" / "kafka-users.yaml"
# Not so short that the alert CertificateExpiring fires.
_VALIDITY = timedelta(days=90)


class SecuredStack(Stack):
    """As in production, services require certificates and Kafka has the production overlay's users. Without Elasticsearch."""

    def __init__(self, state: Path, ports: Ports, *, products: int) -> None:
        super().__init__(state, ports, products=products, mail="count")
        self.authority = Authority(state)
        self.mounts = {name: Mount(state / "identity" / name) for name in SERVICES}
        self.acls = {name: acls for name, acls in _users().items() if name in SERVICES}
        self.kafka = SecuredKafka(
            state / "data" / "kafka", self.authority, port=ports.kafka, controller_port=ports.kafka_controller
        )
        self.servers = [
            self.kafka if isinstance(server, Kafka) else server
            for server in self.servers
            if not isinstance(server, Elasticsearch)
        ]
        self.renew()
        for service in self.services.values():
            service.override_environment(self._with_identity)

    def renew(self) -> None:
        """Issues new certificates for all services, as cert-manager does."""
        for name, mount in self.mounts.items():
            self.authority.issue(mount, name, ends=_VALIDITY)

    def identity(self, name: str) -> Identity:
        """The identity of a service."""
        mount = self.mounts[name]
        return Identity(
            ReloadingCertificate(CertificateFiles(mount.chain, mount.key, mount.authorities), name)
        )

    def _with_identity(self, name: str, environment: dict[str, str]) -> dict[str, str]:
        mount = self.mounts[name]
        return environment | mount.environment() | {"KAFKA_BOOTSTRAP": self.kafka.address(mount)}

    def _migrate(self) -> None:
        for name, acls in self.acls.items():
            self.kafka.allow(name, acls)
        super()._migrate()

    def _seed(self, identity: Identity | None = None) -> None:
        super()._seed(identity or self.identity("gateway"))


def _users() -> dict[str, Sequence[Acl]]:
    return {
        user["metadata"]["name"]: [
            Acl(acl["resource"]["type"], acl["resource"]["name"], tuple(acl["operations"]))
            for acl in user["spec"]["authorization"]["acls"]
        ]
        for user in yaml.safe_load_all(_USERS.read_text())
    }
