"""What an auditor reads of a running stack: the five databases, the index, the dead letters, and the records of the payment
provider and the mail server. Read only; nothing of Souk is imported.

It knows the services' tables, as auditors do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import asyncpg
import httpx
from elasticsearch import AsyncElasticsearch, NotFoundError
from kafka import KafkaConsumer, TopicPartition
from typeid import TypeID

DATABASES = ("account", "catalog", "order", "payment", "notification")
_PAGE = 1000
_SECONDS = 60
_KEPT_LETTERS = "SELECT consumer, header_names, header_values FROM dead_letters"


@dataclass
class Evidence:
    """Where to look; what is None is not read: a test may have only databases."""

    databases: Mapping[str, Any]
    index_url: str | None = None
    bootstrap: str | None = None
    provider_url: str | None = None
    mails_url: str | None = None

    @classmethod
    async def open(
        cls,
        urls: Mapping[str, str],
        index_url: str | None = None,
        bootstrap: str | None = None,
        provider_url: str | None = None,
        mails_url: str | None = None,
    ) -> Self:
        """Connects to the databases."""
        databases = {name: await asyncpg.connect(url) for name, url in urls.items()}
        return cls(databases, index_url, bootstrap, provider_url, mails_url)

    async def close(self) -> None:
        """Lets go of them."""
        for connection in self.databases.values():
            await connection.close()

    async def rows(self, database: str, sql: str, *args: Any) -> Sequence[Any]:
        """What a statement finds."""
        found: Sequence[Any] = await self.databases[database].fetch(sql, *args)
        return found

    async def documents(self) -> dict[str, Mapping[str, Any]]:
        """The index as it is, by the product's uuid; `version` is the document's. Empty while there is none."""
        assert self.index_url is not None
        found: dict[str, Mapping[str, Any]] = {}
        async with AsyncElasticsearch(self.index_url) as client:
            try:
                await client.indices.refresh(index="catalog-products")
                after: list[Any] | None = None
                while True:
                    answer = await client.search(
                        index="catalog-products",
                        size=_PAGE,
                        sort=[{"id": "asc"}],
                        version=True,
                        source_excludes=["product"],
                        search_after=after,
                    )
                    hits = answer["hits"]["hits"]
                    for hit in hits:
                        found[uuid_of(hit["_source"]["id"])] = {**hit["_source"], "version": hit["_version"]}
                    if len(hits) < _PAGE:
                        return found
                    after = hits[-1]["sort"]
            except NotFoundError:
                return found

    async def provider_records(self) -> Sequence[Mapping[str, Any]]:
        """Every change that the payment provider made, oldest first, by its own record."""
        assert self.provider_url is not None
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            response = (await client.get(f"{self.provider_url}/mock/records")).raise_for_status()
        found: Sequence[Mapping[str, Any]] = response.json()["data"]
        return found

    async def received_mails(self) -> Sequence[Mapping[str, Any]] | None:
        """Every mail that arrived; None of a mail server that keeps no such record (maildev)."""
        assert self.mails_url is not None
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            response = await client.get(f"{self.mails_url}/received")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        found: Sequence[Mapping[str, Any]] = response.raise_for_status().json()
        return found

    async def dead_letters(self) -> dict[str, set[str]]:
        """Ids of events that groups gave up, by group: of those that wait for an operator, and of those still in Kafka."""
        found = await asyncio.to_thread(_dead_letters, self.bootstrap) if self.bootstrap else {}
        for name in self.databases:
            for row in await self.rows(name, _KEPT_LETTERS):
                headers = list(zip(row["header_names"], row["header_values"], strict=True))
                if (event := event_id(headers)) is not None:
                    found.setdefault(row["consumer"], set()).add(event)
        return found


def uuid_of(type_id: str) -> str:
    """The id that a table has, of one that the outside sees."""
    return str(TypeID.from_string(type_id).uuid)


def event_id(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The event that a record carries, as outbox and inbox name it; None when it is no event."""
    found = dict(headers).get("ce_id")
    return uuid_of(found.decode()) if found else None


def _dead_letters(bootstrap: str) -> dict[str, set[str]]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    try:
        topics = [topic for topic in consumer.topics() if ".dlq." in topic]
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        if not partitions:
            return {}
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: dict[str, set[str]] = {}
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for partition, records in consumer.poll(timeout_ms=500).items():
                group = partition.topic.partition(".dlq.")[2]
                for record in records:
                    if (event := event_id(record.headers)) is not None:
                        found.setdefault(group, set()).add(event)
        return found
    finally:
        consumer.close(autocommit=False)
