"""Events: facts leave through the outbox and arrive at least once, with one effect.

A service declares a `Topic` (facts to messages) and `Subscription`s (messages to reactions); `Relay` and `Consumers`,
which `kit.service` runs, do the rest. CloudEvents in binary mode over Kafka; see docs/decisions 0002 and 0003.
"""

from kit.events.access import Access
from kit.events.audit import AUDIT, AdminActed
from kit.events.broadcast import TopicReplayer, TopicWatcher
from kit.events.consumers import Consumers
from kit.events.dead_letters import drop, replay, waiting
from kit.events.envelope import Event, MalformedEvent
from kit.events.letter_store import drop_kept, kept, replay_kept
from kit.events.letters import DeadLetter
from kit.events.publisher import Publisher
from kit.events.relay import Relay
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
    "drop",
    "drop_kept",
    "ensure_topics",
    "kept",
    "replay",
    "replay_kept",
    "topics_used_by",
    "waiting",
]
