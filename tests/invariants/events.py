"""Events: each is published, and consumed once or given up by every group that wants it."""

from collections.abc import Mapping

from tests.invariants.evidence import DATABASES, Evidence
from tests.invariants.verdict import Verdict, verdict

# Who wants what, by group: the consumer's database, the producer's, and the types.
CONSUMERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("account", "account"): ("souk.account.v1.AccountDeleted",),
    ("account", "catalog"): ("souk.audit.v1.AdminActed",),
    ("account", "order"): ("souk.audit.v1.AdminActed",),
    ("account", "payment"): ("souk.audit.v1.AdminActed",),
    ("catalog", "order"): ("souk.order.v1.OrderCancelled",),
    ("order", "account"): ("souk.account.v1.AccountDeleted",),
    ("order", "payment"): (
        "souk.payment.v1.PaymentSucceeded",
        "souk.payment.v1.PaymentFailed",
        "souk.payment.v1.PaymentRefunded",
    ),
    ("payment", "order"): ("souk.order.v1.OrderPlaced", "souk.order.v1.OrderCancelled"),
    ("notification", "account"): (
        "souk.account.v1.AccountRegistered",
        "souk.account.v1.AccountUpdated",
    ),
    ("notification", "order"): (
        "souk.order.v1.OrderConfirmed",
        "souk.order.v1.OrderCancelled",
        "souk.order.v1.OrderShipped",
        "souk.order.v1.OrderDelivered",
    ),
    ("notification", "payment"): ("souk.payment.v1.PaymentRefunded",),
}


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
    missing = await unheard(evidence)
    given_up = await evidence.dead_letters() if evidence.bootstrap else {}
    violations = [
        f"{group} never heard {event_id} of {producer}"
        for (group, producer), ids in missing.items()
        for event_id in sorted(ids - given_up.get(group, set()))
    ]
    counted = 0
    for name in DATABASES:
        counted += (await evidence.rows(name, "SELECT count(*) AS n FROM inbox"))[0]["n"]
    dead = sum(map(len, given_up.values()))
    return verdict(f"every event is consumed or given up ({dead} dead letters)", counted, violations)


async def unheard(evidence: Evidence) -> dict[tuple[str, str], set[str]]:
    """Events that a group wants and has not in its inbox, by group and producer."""
    missing = {}
    for (group, producer), types in CONSUMERS.items():
        told = await evidence.rows(
            producer, "SELECT event_id FROM outbox WHERE type = ANY($1::text[])", list(types)
        )
        heard = await evidence.rows(group, "SELECT event_id FROM inbox WHERE consumer = $1", group)
        missing[group, producer] = {str(row["event_id"]) for row in told} - {
            str(row["event_id"]) for row in heard
        }
    return missing
