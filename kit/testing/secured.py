"""A Kafka that requires client certificates and denies everything without an ACL."""

from collections.abc import Iterable
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from kit.events.access import Acl
from kit.events.broker import broker_config
from kit.testing.certificates import Authority, Mount
from kit.testing.jvm import Kafka

_OPERATOR = "operator"


class SecuredKafka(Kafka):
    """Mutual TLS on every listener, and KRaft's authorizer, which denies by default. `User:CN=operator` is a super user."""

    def __init__(
        self, folder: Path, authority: Authority, *, port: int = 0, controller_port: int = 0
    ) -> None:
        super().__init__(folder, port=port, controller_port=controller_port)
        self._authority = authority
        self._operator = Mount(folder.parent / f"{folder.name}-{_OPERATOR}")
        authority.issue(self._operator, _OPERATOR)

    def prepare(self) -> None:
        if self._properties.exists():
            return
        super().prepare()
        text = self._properties.read_text()
        for listener in ("BROKER", "CONTROLLER"):
            text = text.replace(f"{listener}:PLAINTEXT", f"{listener}:SSL")
        settings = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._authority.server("kafka"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._authority.certificate,
            "ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:CN=kafka;User:CN={_OPERATOR}",
            "allow.everyone.if.no.acl.found": "false",
        }
        self._properties.write_text(text + "".join(f"{key}={value}\n" for key, value in settings.items()))

    def address(self, mount: Mount) -> str:
        """KAFKA_BOOTSTRAP for a service with its certificate in `mount`."""
        files = f"ca={mount.authorities}&cert={mount.chain}&key={mount.key}"
        return f"tls://{self.bootstrap()}?{files}"

    def operator(self) -> str:
        """KAFKA_BOOTSTRAP for the operator."""
        return self.address(self._operator)

    def allow(self, user: str, acls: Iterable[Acl]) -> None:
        """Creates ACLs for a user, as an operator does with the output of the command `kafka-acls`."""
        admin = KafkaAdminClient(**broker_config(self.operator()))
        try:
            outcome = admin.create_acls([kafka_acl for acl in acls for kafka_acl in _acls(user, acl)])
        finally:
            admin.close()
        if outcome["failed"]:
            raise RuntimeError(f"ACLs were rejected: {outcome['failed']}")


def _acls(user: str, acl: Acl) -> list[ACL]:
    return [
        ACL(
            principal=f"User:CN={user}",
            host="*",
            operation=ACLOperation[operation.upper()],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(ResourceType[acl.resource.upper()], acl.name),
        )
        for operation in acl.operations
    ]
