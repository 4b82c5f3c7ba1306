"""A service's subscriptions as data: a topic, and a handler for each type of event.

`Consumers` does the rest: groups, batches, inbox, retries, dead letters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from kit.db import Transaction
from kit.events.envelope import Event

Apply = Callable[[Transaction, Event[Any]], Awaitable[None]]


@dataclass(frozen=True)
class PreparedHandler:
    """A handler in two steps, for events that need a remote call.

    `prepare(event)` calls peers outside the transaction. It may be called again for the same event, so the calls must be idempotent.
    `apply(tx, event, prepared)` writes in the inbox's transaction, so inbox row, effect and outbox rows commit together.
    """

    apply: Callable[[Transaction, Event[Any], Any], Awaitable[None]]
    prepare: Callable[[Event[Any]], Awaitable[Any]]


@dataclass(frozen=True)
class BatchHandler:
    """Handles consecutive events of one type together, in order and without duplicates: `async (tx, events)`.

    For handlers that need one statement for any number of events. They must not emit events, because a batch has no single causing event.
    If it fails, it is called for each event separately, so that one bad event does not block the others.
    """

    apply: Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """Handles events of a topic with `async (tx, event)`, a `PreparedHandler` or a `BatchHandler`; other types are ignored.

    Each event takes effect once. `purpose` separates consumer groups of one service: `catalog` and `catalog.indexer`.
    """

    topic: str
    handlers: Mapping[type[Message], PreparedHandler | BatchHandler | Apply]
    purpose: str = ""


@dataclass(frozen=True)
class BatchSubscription:
    """Handles events of a topic in batches outside the database: `async (events)`, in order, at least once.

    For idempotent effects, such as a search index. It has no inbox, and needs its own `purpose`, because offsets are committed per group.
    """

    topic: str
    purpose: str
    types: tuple[type[Message], ...]
    on_batch: Callable[[Sequence[Event[Any]]], Awaitable[None]]


AnySubscription = Subscription | BatchSubscription


@dataclass(frozen=True)
class Group:
    """The subscriptions that share a consumer group, at most one for each topic."""

    name: str
    by_topic: Mapping[str, AnySubscription] = field(default_factory=dict)

    @property
    def topics(self) -> list[str]:
        """The topics of the group."""
        return sorted(self.by_topic)

    @property
    def has_inbox(self) -> bool:
        """Whether its inbox, and so its dead letters, are in the service's database."""
        return not any(isinstance(subscription, BatchSubscription) for subscription in self.by_topic.values())


def consumer_groups(service: str, subscriptions: Sequence[AnySubscription]) -> list[Group]:
    """The consumer groups of a service: `<service>` or `<service>.<purpose>`; raises ValueError for inconsistent subscriptions."""
    topics_by_group: dict[str, dict[str, AnySubscription]] = {}
    for subscription in subscriptions:
        name = f"{service}.{subscription.purpose}" if subscription.purpose else service
        topics = topics_by_group.setdefault(name, {})
        if subscription.topic in topics:
            raise ValueError(f"group {name} subscribes to {subscription.topic} twice")
        topics[subscription.topic] = subscription
        if len({isinstance(other, BatchSubscription) for other in topics.values()}) > 1:
            raise ValueError(f"group {name} mixes subscriptions with and without an inbox")
    return [Group(name, topics) for name, topics in topics_by_group.items()]


def event_types(subscription: AnySubscription) -> dict[str, type[Message]]:
    """The message classes that a subscription handles, by full name."""
    classes = subscription.handlers if isinstance(subscription, Subscription) else subscription.types
    return {message.DESCRIPTOR.full_name: message for message in classes}
