"""The event types of every consumer group, as the services declare them: they are built as `python -m <service>` builds them, but not
opened.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from account import app as account
from account.settings import Settings as AccountSettings
from catalog import app as catalog
from catalog.settings import Settings as CatalogSettings
from kit.events import Subscription
from kit.events.subscriptions import Group, consumer_groups, event_types
from kit.service import Service
from kit.settings import load
from notification import app as notification
from notification.settings import Settings as NotificationSettings
from order import app as order
from order.settings import Settings as OrderSettings
from payment import app as payment
from payment.settings import Settings as PaymentSettings


@dataclass(frozen=True, slots=True)
class GroupSubscription:
    """The types of one topic that a consumer group handles; its inbox is in `database`."""

    database: str
    group: str
    topic: str
    types: tuple[str, ...]


def subscriptions() -> Sequence[GroupSubscription]:
    """Every subscription of a consumer group with an inbox."""
    return [
        GroupSubscription(service, group.name, topic, tuple(sorted(event_types(subscription))))
        for service, group in _groups()
        for topic, subscription in sorted(group.by_topic.items())
        if isinstance(subscription, Subscription)
    ]


def groups_without_inbox() -> Mapping[str, Sequence[str]]:
    """The topics of the groups that may handle an event repeatedly, such as the search index's: only their offsets show what they did."""
    return {group.name: group.topics for _, group in _groups() if not group.has_inbox}


@cache
def _groups() -> Sequence[tuple[str, Group]]:
    with tempfile.TemporaryDirectory(prefix="souk-subscriptions-") as folder:
        services = _services({"PROFILE": "development", "SIGNING_KEYS_FILE": str(Path(folder, "keys.json"))})
    return [
        (service.name, group)
        for service in services
        for group in consumer_groups(service.name, service.consumes)
    ]


def _services(environment: Mapping[str, str]) -> list[Service]:
    return [
        account.build(load(AccountSettings, environment)),
        catalog.build(load(CatalogSettings, environment)),
        order.build(load(OrderSettings, environment)),
        payment.build(load(PaymentSettings, environment)),
        notification.build(load(NotificationSettings, environment)),
    ]
