"""Events: published through the outbox, delivered at least once, effective once.

A service declares a `Topic` (domain events to messages) and `Subscription`s (messages to handlers); `kit.service` runs the `Relay` and the
`Consumers`. CloudEvents in binary mode over Kafka; see docs/decisions 0002 and 0003.
"""

from kit.events.access import Access
from kit.events.audit import AUDIT, AdminActed
from kit.events.broadcast import TopicReplayer, TopicWatcher
from kit.events.consumers import Consumers
from kit.events.dead_letter import DeadLetter
from kit.events.dead_letter_queue import drop_pending, list_pending, replay_pending
from kit.events.dead_letter_store import drop_stored, list_stored, replay_stored
from kit.events.envelope import Event, MalformedEvent
from kit.events.publisher import Publisher
from kit.events.relay import Relay
from kit.events.republishing import discard_events, unmark_published
from kit.events.subscriptions import (
    AnySubscription,
    BatchHandler,
    BatchSubscription,
    PreparedHandler,
    Subscription,
    consumer_groups,
)
from kit.events.topic import EVENT, Topic, context_headers
from kit.events.topics import dead_letter_topic, ensure_topics, topics_used_by

__all__ = [
    "AUDIT",
    "EVENT",
    "Access",
    "AdminActed",
    "AnySubscription",
    "BatchHandler",
    "BatchSubscription",
    "Consumers",
    "DeadLetter",
    "Event",
    "MalformedEvent",
    "PreparedHandler",
    "Publisher",
    "Relay",
    "Subscription",
    "Topic",
    "TopicReplayer",
    "TopicWatcher",
    "consumer_groups",
    "context_headers",
    "dead_letter_topic",
    "discard_events",
    "drop_pending",
    "drop_stored",
    "ensure_topics",
    "list_pending",
    "list_stored",
    "replay_pending",
    "replay_stored",
    "topics_used_by",
    "unmark_published",
]
