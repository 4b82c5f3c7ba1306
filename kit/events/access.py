"""The Kafka ACLs of a service's user, derived from what it publishes and consumes.

Kafka's authorizer denies everything else. Operators apply the ACLs: `python -m <service> kafka-acls`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kit.events.subscriptions import AnySubscription, consumer_groups
from kit.events.topics import dead_letter_topic, replay_group

TOPIC, GROUP = "topic", "group"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """Operations that are allowed on one topic or consumer group."""

    resource: str
    name: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """The topics of a service. It writes those in `publishes`; each replica reads those in `broadcasts` without a consumer group."""

    service: str
    publishes: Sequence[str]
    consumes: Sequence[AnySubscription]
    broadcasts: Collection[str] = ()

    def creates(self) -> list[str]:
        """The topics that this service creates: those it writes, and its dead-letter topics."""
        dead_letters = {
            dead_letter_topic(topic, group.name)
            for group in consumer_groups(self.service, self.consumes)
            for topic in group.topics
        }
        return sorted({*self.publishes, *dead_letters})

    def acls(self) -> list[Acl]:
        """The ACLs of the service's Kafka user, which is named after the service."""
        operations_by_resource: dict[tuple[str, str], set[str]] = {}

        def allow(resource: str, name: str, *operations: str) -> None:
            operations_by_resource.setdefault((resource, name), set()).update(operations)

        for topic in self.publishes:
            allow(TOPIC, topic, "Create", "Describe", "Write")
        for topic in self.broadcasts:
            allow(TOPIC, topic, "Describe", "Read")
        for group in consumer_groups(self.service, self.consumes):
            allow(GROUP, group.name, "Read")
            for topic in group.topics:
                dead_letters = dead_letter_topic(topic, group.name)
                allow(TOPIC, topic, "Describe", "Read")
                allow(TOPIC, dead_letters, "Create", "Describe", "Write")
                if not group.has_inbox:
                    # The command `dead-letters` reads the topic, the only place of these dead letters.
                    allow(TOPIC, dead_letters, "Read")
                    allow(GROUP, replay_group(dead_letters), "Read")
        return sorted(
            Acl(resource, name, tuple(sorted(operations)))
            for (resource, name), operations in operations_by_resource.items()
        )


def acl_commands(user: str, acls: Iterable[Acl]) -> list[str]:
    """Arguments of Kafka's `kafka-acls.sh`, one line per ACL."""
    return [
        f"--add --allow-principal User:CN={user} "
        + " ".join(f"--operation {operation}" for operation in acl.operations)
        + f" --{acl.resource} {acl.name}"
        for acl in acls
    ]


def strimzi_user(user: str, acls: Iterable[Acl], *, cluster: str, namespace: str) -> str:
    """The ACLs as a Strimzi `KafkaUser`, which also issues the user's certificate."""
    lines = [
        "apiVersion: kafka.strimzi.io/v1",
        "kind: KafkaUser",
        "metadata:",
        f"  name: {user}",
        f"  namespace: {namespace}",
        f"  labels: {{strimzi.io/cluster: {cluster}}}",
        "spec:",
        "  authentication: {type: tls}",
        "  authorization:",
        "    type: simple",
        "    acls:",
    ]
    for acl in acls:
        lines.append(f"      - resource: {{type: {acl.resource}, name: {acl.name}, patternType: literal}}")
        lines.append(f"        operations: [{', '.join(acl.operations)}]")
    return "\n".join([*lines, ""])
