"""Events: facts leave through the outbox and arrive at least once, with one effect.

A service declares a `Topic` (facts to messages) and `Subscription`s (messages to reactions); `Relay` and `Consumers`,
which `kit.service` runs, do the rest. CloudEvents in binary mode over Kafka; see docs/decisions 0002 and 0003.
"""

from kit.events.access import Access
from kit.events.audit import AUDIT, AdminActed
from kit.events.consumers import Consumers
from kit.events.dead_letters import drop, replay, waiting
from kit.events.envelope import Event, Malformed
from kit.events.letter_store import drop_kept, kept, replay_kept
from kit.events.letters import Letter
from kit.events.publisher import Publisher
from kit.events.relay import Relay
from kit.events.subscriptions import (
    AnySubscription,
    BatchSubscription,
    Many,
    Reaction,
    Subscription,
    groups,
)
from kit.events.tail import Follow, Tail
from kit.events.topic import EVENT, Topic, context_headers
from kit.events.topics import dead_letters, ensure_topics, topics_of

__all__ = [
    "AUDIT",
    "EVENT",
    "Access",
    "AdminActed",
    "AnySubscription",
    "BatchSubscription",
    "Consumers",
    "Event",
    "Follow",
    "Letter",
    "Malformed",
    "Many",
    "Publisher",
    "Reaction",
    "Relay",
    "Subscription",
    "Tail",
    "Topic",
    "context_headers",
    "dead_letters",
    "drop",
    "drop_kept",
    "ensure_topics",
    "groups",
    "kept",
    "replay",
    "replay_kept",
    "topics_of",
    "waiting",
]
