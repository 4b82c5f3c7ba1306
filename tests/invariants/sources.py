"""The data that the checks read: the five databases, the search index, dead letters, and the records of the payment provider and the mail
server.

Read-only, and independent of Souk's code: like an external auditor, it reads the services' tables directly.
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
_DEAD_LETTERS = "SELECT consumer, header_names, header_values FROM dead_letters"


@dataclass
class DataSources:
    """Connections and addresses; None means not available: a test may have only databases."""

    databases: Mapping[str, Any]
    index_url: str | None = None
    bootstrap: str | None = None
    provider_url: str | None = None
    mails_url: str | None = None
    # Between these times, in seconds since 1970, mails were sent that a restore made unknown.
    lost: tuple[float, float] | None = None

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
        """Closes the connections."""
        for connection in self.databases.values():
            await connection.close()

    async def rows(self, database: str, sql: str, *args: Any) -> Sequence[Any]:
        """The rows of a query."""
        rows: Sequence[Any] = await self.databases[database].fetch(sql, *args)
        return rows

    async def documents(self) -> dict[str, Mapping[str, Any]]:
        """The indexed documents by product UUID, with the document's `version`. Empty if there is no index."""
        assert self.index_url is not None
        documents: dict[str, Mapping[str, Any]] = {}
        async with AsyncElasticsearch(self.index_url) as client:
            try:
                await client.indices.refresh(index="catalog-products")
                after: list[Any] | None = None
                while True:
                    response = await client.search(
                        index="catalog-products",
                        size=_PAGE,
                        sort=[{"id": "asc"}],
                        version=True,
                        source_excludes=["product"],
                        search_after=after,
                    )
                    hits = response["hits"]["hits"]
                    for hit in hits:
                        documents[uuid_of(hit["_source"]["id"])] = {
                            **hit["_source"],
                            "version": hit["_version"],
                        }
                    if len(hits) < _PAGE:
                        return documents
                    after = hits[-1]["sort"]
            except NotFoundError:
                return documents

    async def provider_records(self) -> Sequence[Mapping[str, Any]]:
        """Every change in the payment provider's own records, oldest first."""
        assert self.provider_url is not None
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            response = (await client.get(f"{self.provider_url}/mock/records")).raise_for_status()
        records: Sequence[Mapping[str, Any]] = response.json()["data"]
        return records

    async def received_mails(self) -> Sequence[Mapping[str, Any]] | None:
        """Every mail that arrived; None if the mail server has no such record (maildev)."""
        assert self.mails_url is not None
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            response = await client.get(f"{self.mails_url}/received")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        mails: Sequence[Mapping[str, Any]] = response.raise_for_status().json()
        return mails

    async def uncommitted(self, topics_by_group: Mapping[str, Sequence[str]]) -> int:
        """Events that these groups have not committed as handled. 0 without Kafka."""
        if self.bootstrap is None:
            return 0
        counts = [
            await asyncio.to_thread(_uncommitted, self.bootstrap, group, topics)
            for group, topics in topics_by_group.items()
        ]
        return sum(counts)

    async def dead_letters(self) -> dict[str, set[str]]:
        """Event ids of dead letters by group, from the databases and from Kafka."""
        letters = await asyncio.to_thread(_dead_letters, self.bootstrap) if self.bootstrap else {}
        for name in self.databases:
            for row in await self.rows(name, _DEAD_LETTERS):
                headers = list(zip(row["header_names"], row["header_values"], strict=True))
                if (event := event_id(headers)) is not None:
                    letters.setdefault(row["consumer"], set()).add(event)
        return letters


def uuid_of(type_id: str) -> str:
    """The UUID in the tables of a public id."""
    return str(TypeID.from_string(type_id).uuid)


def event_id(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The UUID of a record's event, as in outbox and inbox; None if the record is not an event."""
    header = dict(headers).get("ce_id")
    return uuid_of(header.decode()) if header else None


def _uncommitted(bootstrap: str, group: str, topics: Sequence[str]) -> int:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    try:
        partitions = _partitions(consumer, topics)
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        return sum(
            max(0, ends[partition] - (consumer.committed(partition) or starts[partition]))
            for partition in partitions
        )
    finally:
        consumer.close(autocommit=False)


def _partitions(consumer: KafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in consumer.partitions_for_topic(topic) or ()
    ]


def _dead_letters(bootstrap: str) -> dict[str, set[str]]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    try:
        partitions = _partitions(consumer, [topic for topic in consumer.topics() if ".dlq." in topic])
        if not partitions:
            return {}
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        letters: dict[str, set[str]] = {}
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for partition, records in consumer.poll(timeout_ms=500).items():
                group = partition.topic.partition(".dlq.")[2]
                for record in records:
                    if (event := event_id(record.headers)) is not None:
                        letters.setdefault(group, set()).add(event)
        return letters
    finally:
        consumer.close(autocommit=False)
