"""What a service listens to, as data: a topic, and what to do about each type of event.

How it is listened to (groups, chunks, inbox, retries, dead letters) is `Consumers`' business.
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
    """What one type of event sets off, when it first needs an answer from elsewhere.

    `prepare(event)` asks peers, outside of any transaction, and may be called again for the same event, so what it does
    there is idempotent; `apply(tx, event, prepared)` writes. `tx` is the inbox's: row, effect and facts commit together.
    """

    apply: Callable[[Transaction, Event[Any], Any], Awaitable[None]]
    prepare: Callable[[Event[Any]], Awaitable[Any]]


@dataclass(frozen=True)
class BatchHandler:
    """What events of one type set off that came in a row: `async (tx, events)`, in order, none twice.

    For reactions that are one statement however many events there are; they emit nothing, because the chunk is no event's own.
    When it fails, it is called again for each event alone, so that one bad event does not hold up the others.
    """

    apply: Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """Events of a topic, handled by `async (tx, event)`, a `Reaction` or `Many`; types not named are passed over.

    Each event has its effect once. `purpose` separates consumer groups of one service: `catalog` and `catalog.indexer`.
    """

    topic: str
    handlers: Mapping[type[Message], PreparedHandler | BatchHandler | Apply]
    purpose: str = ""


@dataclass(frozen=True)
class BatchSubscription:
    """Events of a topic, handled many at once outside of the database: `async (events)`, in order, possibly again.

    For effects that are idempotent by themselves, such as a search index; it has no inbox and needs a `purpose` of its
    own, because offsets are committed for a group.
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
        """What the group listens to."""
        return sorted(self.by_topic)

    @property
    def has_inbox(self) -> bool:
        """Whether its effects, and so its dead letters, are in the service's database."""
        return not any(isinstance(each, BatchSubscription) for each in self.by_topic.values())


def consumer_groups(service: str, subscriptions: Sequence[AnySubscription]) -> list[Group]:
    """The consumer groups of a service: `<service>` or `<service>.<purpose>`; raises ValueError on contradictions."""
    found: dict[str, dict[str, AnySubscription]] = {}
    for subscription in subscriptions:
        name = f"{service}.{subscription.purpose}" if subscription.purpose else service
        topics = found.setdefault(name, {})
        if subscription.topic in topics:
            raise ValueError(f"group {name} subscribes to {subscription.topic} twice")
        topics[subscription.topic] = subscription
        if len({isinstance(other, BatchSubscription) for other in topics.values()}) > 1:
            raise ValueError(f"group {name} mixes events with an inbox and without")
    return [Group(name, topics) for name, topics in found.items()]


def event_types(subscription: AnySubscription) -> dict[str, type[Message]]:
    """Full message name -> class, of what a subscription handles."""
    classes = subscription.handlers if isinstance(subscription, Subscription) else subscription.types
    return {message.DESCRIPTOR.full_name: message for message in classes}
