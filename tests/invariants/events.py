"""Events: each is published, and consumed once or given up by every group that wants it."""

from tests.invariants.evidence import DATABASES, Evidence
from tests.invariants.subscriptions import wanted
from tests.invariants.verdict import Verdict, verdict

# A service may keep its outbox for longer than another its inbox, and 8 days is the shortest for an inbox (docs/operations/retention.md).
_WRITTEN = """
SELECT event_id FROM outbox WHERE topic = $1 AND type = ANY($2::text[])
    AND (published_at IS NULL OR published_at > now() - interval '8 days')
"""


async def published(evidence: Evidence) -> Verdict:
    """Every outbox row is published."""
    counted, violations = 0, []
    for name in DATABASES:
        counted += (await evidence.rows(name, "SELECT count(*) AS n FROM outbox"))[0]["n"]
        waiting = await evidence.rows(
            name, "SELECT event_id, type FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 100"
        )
        violations += [f"{name}: {row['type']} {row['event_id']} was never published" for row in waiting]
    return verdict("every outbox row is published", counted, violations)


async def consumed(evidence: Evidence) -> Verdict:
    """Every event is in the inbox of each group that wants it, or among its dead letters."""
    missing = await not_consumed(evidence)
    given_up = await evidence.dead_letters()
    violations = [
        f"{group} did not consume {event_id} of {topic}"
        for (group, topic), ids in missing.items()
        for event_id in sorted(ids - given_up.get(group, set()))
    ]
    counted = 0
    for name in DATABASES:
        counted += (await evidence.rows(name, "SELECT count(*) AS n FROM inbox"))[0]["n"]
    dead = sum(map(len, given_up.values()))
    return verdict(f"every event is consumed or given up ({dead} dead letters)", counted, violations)


async def not_consumed(evidence: Evidence) -> dict[tuple[str, str], set[str]]:
    """Events that a group wants and does not have in its inbox, by group and topic."""
    missing: dict[tuple[str, str], set[str]] = {}
    for each in wanted():
        written: set[str] = set()
        for name in DATABASES:
            rows = await evidence.rows(name, _WRITTEN, each.topic, list(each.types))
            written.update(str(row["event_id"]) for row in rows)
        rows = await evidence.rows(
            each.database, "SELECT event_id FROM inbox WHERE consumer = $1", each.group
        )
        missing[each.group, each.topic] = written - {str(row["event_id"]) for row in rows}
    return missing
