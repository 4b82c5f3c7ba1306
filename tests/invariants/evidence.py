"""What an auditor reads of a running stack: the five databases, the index, the dead letters. Read only; nothing of Souk is imported.

It knows the services' tables, as auditors do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import asyncpg
from elasticsearch import AsyncElasticsearch, NotFoundError
from kafka import KafkaConsumer, TopicPartition
from typeid import TypeID

DATABASES = ("account", "catalog", "order", "payment", "notification")
_PAGE = 1000


@dataclass
class Evidence:
    """Where to look; `index_url` and `bootstrap` may be None where a test has only databases."""

    databases: Mapping[str, Any]
    index_url: str | None = None
    bootstrap: str | None = None

    @classmethod
    async def open(
        cls, urls: Mapping[str, str], index_url: str | None = None, bootstrap: str | None = None
    ) -> Self:
        """Connects to the databases."""
        return cls({name: await asyncpg.connect(url) for name, url in urls.items()}, index_url, bootstrap)

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
                        found[_uuid(hit["_source"]["id"])] = {**hit["_source"], "version": hit["_version"]}
                    if len(hits) < _PAGE:
                        return found
                    after = hits[-1]["sort"]
            except NotFoundError:
                return found

    async def dead_letters(self) -> dict[str, set[str]]:
        """Ids of events that groups gave up, by group."""
        assert self.bootstrap is not None
        return await asyncio.to_thread(_dead_letters, self.bootstrap)


def _uuid(type_id: str) -> str:
    return str(TypeID.from_string(type_id).uuid)


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
                    headers = dict(record.headers)
                    found.setdefault(group, set()).add(headers.get("ce_id", b"").decode())
        return found
    finally:
        consumer.close(autocommit=False)
