"""The declaration of a service."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from litestar.types import ASGIApp

from kit.auth import TokenVerifier
from kit.auth.verifier import jwks_fetcher
from kit.db import Database, Migrations
from kit.events import (
    Access,
    AnySubscription,
    Consumers,
    Relay,
    Topic,
    TopicReplayer,
    TopicWatcher,
    topics_used_by,
)
from kit.rpc import Servicer, Verifier
from kit.rpc.allowed_callers import unknown_entries
from kit.service.revoked_sessions import TOPIC as REVOKED_SESSIONS
from kit.service.revoked_sessions import RevokedSessionsListener
from kit.settings import BaseSettings
from kit.web import Resource
from kit.work import Retention

# Receives the arguments after its name on the command line.
Command = Callable[[Sequence[str]], Awaitable[None]]


class Job(Protocol):
    """Background work: `kit.work.Worker`, `kit.work.PeriodicJob`."""

    @property
    def name(self) -> str:
        """Its name in logs."""
        ...

    async def open(self) -> None:
        """Starts it."""
        ...

    async def close(self) -> None:
        """Stops it after finishing current work."""
        ...


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything a service is made of; `kit.service.run` knows what to do with it.

    Attributes:
        resources: opened in order and closed in reverse; the database comes first when it is not listed.
        optional: resources that may be down without making the service unready.
        awaited: resources whose first response is awaited before the service becomes ready, for at most `awaited_for`. It does not matter
            later whether they respond, if they are optional.
        callers: the services that may call each gRPC service, or one RPC of it; with identity on, all others are rejected
            (`kit.rpc.allowed_callers`).
        raw_asgi_routes: paths answered by ASGI applications mounted outside Litestar (`kit.web.build_app`).
        publishes: the topic of the events; defaults to the database's.
        verifier: verifies tokens; by default with the keys at `settings.jwks_url`.
        on_drained: called during shutdown once new requests go to other replicas; closes long-lived connections.
    """

    name: str
    settings: BaseSettings
    resources: Sequence[Resource] = ()
    optional: Sequence[Resource] = ()
    awaited: Sequence[Resource] = ()
    awaited_for: timedelta = timedelta(0)
    rpc: Sequence[Servicer] = ()
    callers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    routes: Sequence[Any] = ()
    raw_asgi_routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    database: Database | None = None
    migrations: Migrations | None = None
    publishes: Topic | None = None
    consumes: Sequence[AnySubscription] = ()
    jobs: Sequence[Job] = ()
    commands: Mapping[str, Command] = field(default_factory=dict)
    verifier: Verifier | None = None
    on_drained: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if self.publishes is not None and (
            self.database is None or self.database.publishes is not self.publishes
        ):
            raise TypeError(f"{self.name}: the database must be made with publishes={self.publishes.name!r}")
        common = {"serve", "migrate", "settings", "dead-letters", "republish", "kafka-acls"}
        if reserved := self.commands.keys() & common:
            raise TypeError(f"{self.name}: {sorted(reserved)} are commands of every service")
        if unknown := unknown_entries(self.callers, [servicer.service for servicer in self.rpc]):
            raise TypeError(f"{self.name}: callers of {sorted(unknown)}, which the service does not have")

    def all_resources(self) -> list[Resource]:
        """All resources in the order in which they are opened."""
        resources_in_order = list(self.resources)
        if self.database is not None and self.database not in resources_in_order:
            resources_in_order.insert(0, self.database)
        return resources_in_order + [
            resource for resource in self.optional if resource not in resources_in_order
        ]

    def token_verifier(self) -> Verifier:
        """The verifier of tokens."""
        return self.verifier or TokenVerifier(jwks_fetcher(self.settings.jwks_url))

    def revoked_sessions_listener(self, verifier: Verifier) -> RevokedSessionsListener | None:
        """The job that updates the verifier's revoked sessions; None for another kind of verifier, as in tests."""
        if not isinstance(verifier, TokenVerifier):
            return None
        return RevokedSessionsListener(self.settings.kafka_bootstrap, verifier.revoked_sessions)

    def background(self) -> list[Job]:
        """Relay, consumers, retention and jobs, in the order in which they are started."""
        jobs: list[Job] = []
        if self.database is not None and self.database.publishes is not None:
            jobs.append(Relay(self.database, self.settings.kafka_bootstrap))
        if self.consumes:
            bootstrap = self.settings.kafka_bootstrap
            jobs.append(Consumers(self.name, self.consumes, bootstrap=bootstrap, database=self.database))
        return [*jobs, *self._retentions(), *self.jobs]

    def _retentions(self) -> list[Job]:
        """Retention of kit's own tables."""
        if self.database is None:
            return []
        settings = self.settings
        return [
            Retention(self.database, "outbox", "published_at", settings.outbox_retention_seconds),
            Retention(self.database, "inbox", "received_at", settings.inbox_retention_seconds),
        ]

    def topics(self) -> list[str]:
        """All topics that it uses: its own, those it consumes, its dead-letter topics, and the one with revoked sessions."""
        return sorted({*topics_used_by(self.name, None, self.consumes), *self._publishes(), REVOKED_SESSIONS})

    def access(self) -> Access:
        """The access of its Kafka user, which includes the topics that `migrate` creates."""
        broadcasts = {
            REVOKED_SESSIONS,
            *(job.topic for job in self.jobs if isinstance(job, TopicWatcher | TopicReplayer)),
        }
        return Access(self.name, self._publishes(), self.consumes, broadcasts)

    def _publishes(self) -> list[str]:
        publishes = self.database.publishes if self.database is not None else None
        if not isinstance(publishes, Topic):
            return []
        return [topic.name for topic in (publishes, publishes.also) if topic is not None]
