"""Events: every event is published, and every subscribed group has consumed it or has it as a dead letter."""

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DATABASES, DataSources
from tests.invariants.subscriptions import subscriptions

# Older events may be pruned from an inbox, whose shortest retention is 8 days (docs/operations/retention.md).
_EVENTS = """
SELECT event_id FROM outbox WHERE topic = $1 AND type = ANY($2::text[])
    AND (published_at IS NULL OR published_at > now() - interval '8 days')
"""


async def published(sources: DataSources) -> CheckResult:
    """Every outbox row is published."""
    count, violations = 0, []
    for name in DATABASES:
        count += (await sources.rows(name, "SELECT count(*) AS n FROM outbox"))[0]["n"]
        unpublished = await sources.rows(
            name, "SELECT event_id, type FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 100"
        )
        violations += [f"{name}: {row['type']} {row['event_id']} is not published" for row in unpublished]
    return check_result("every outbox row is published", count, violations)


async def consumed(sources: DataSources) -> CheckResult:
    """Every event is in the inbox of every subscribed group, or among its dead letters."""
    missing = await not_consumed(sources)
    dead_letters = await sources.dead_letters()
    violations = [
        f"{group} did not consume {event_id} of {topic}"
        for (group, topic), ids in missing.items()
        for event_id in sorted(ids - dead_letters.get(group, set()))
    ]
    count = 0
    for name in DATABASES:
        count += (await sources.rows(name, "SELECT count(*) AS n FROM inbox"))[0]["n"]
    dead = sum(map(len, dead_letters.values()))
    return check_result(f"every event is consumed or a dead letter ({dead} dead letters)", count, violations)


async def not_consumed(sources: DataSources) -> dict[tuple[str, str], set[str]]:
    """Events that a subscribed group does not have in its inbox, by group and topic."""
    missing: dict[tuple[str, str], set[str]] = {}
    for subscription in subscriptions():
        published: set[str] = set()
        for name in DATABASES:
            rows = await sources.rows(name, _EVENTS, subscription.topic, list(subscription.types))
            published.update(str(row["event_id"]) for row in rows)
        rows = await sources.rows(
            subscription.database, "SELECT event_id FROM inbox WHERE consumer = $1", subscription.group
        )
        missing[subscription.group, subscription.topic] = published - {str(row["event_id"]) for row in rows}
    return missing
