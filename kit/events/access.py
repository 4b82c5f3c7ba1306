"""What a service may do at Kafka, derived from what it publishes and consumes: the ACLs of its user.

Nothing else is allowed: an authorizer denies what no ACL allows. Applying them is an operator's: `python -m <service> kafka-acls`.
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
    """What a service needs. `publishes` are topics that it writes, `follows` those that each replica reads without a group."""

    service: str
    publishes: Sequence[str]
    consumes: Sequence[AnySubscription]
    follows: Collection[str] = ()

    def creates(self) -> list[str]:
        """The topics that are this service's to make: those it writes, and its dead letters'."""
        letters = {
            dead_letter_topic(topic, group.name)
            for group in consumer_groups(self.service, self.consumes)
            for topic in group.topics
        }
        return sorted({*self.publishes, *letters})

    def acls(self) -> list[Acl]:
        """Those of the service's Kafka user, which has the service's name."""
        allowed: dict[tuple[str, str], set[str]] = {}

        def allow(resource: str, name: str, *operations: str) -> None:
            allowed.setdefault((resource, name), set()).update(operations)

        for topic in self.publishes:
            allow(TOPIC, topic, "Create", "Describe", "Write")
        for topic in self.follows:
            allow(TOPIC, topic, "Describe", "Read")
        for group in consumer_groups(self.service, self.consumes):
            allow(GROUP, group.name, "Read")
            for topic in group.topics:
                letters = dead_letter_topic(topic, group.name)
                allow(TOPIC, topic, "Describe", "Read")
                allow(TOPIC, letters, "Create", "Describe", "Write")
                if not group.has_inbox:
                    # The command `dead-letters` lists and drops what is in the topic only.
                    allow(TOPIC, letters, "Read")
                    allow(GROUP, replay_group(letters), "Read")
        return sorted(
            Acl(resource, name, tuple(sorted(operations))) for (resource, name), operations in allowed.items()
        )


def commands(user: str, acls: Iterable[Acl]) -> list[str]:
    """Arguments of Kafka's own `kafka-acls.sh`, a line for each ACL."""
    return [
        f"--add --allow-principal User:CN={user} "
        + " ".join(f"--operation {operation}" for operation in acl.operations)
        + f" --{acl.resource} {acl.name}"
        for acl in acls
    ]


def strimzi_user(user: str, acls: Iterable[Acl], *, cluster: str, namespace: str) -> str:
    """The same as a `KafkaUser` of Strimzi, which also issues the user's certificate."""
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
