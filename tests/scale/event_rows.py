"""Rows of the outbox and inbox of every database: events published in the last week and consumed in the last month."""

from collections.abc import Iterator

from tests.scale.copying import LONG, NULL, SIZED, UUID, long, row, same, same_json, sized
from tests.scale.tables import Table
from tests.scale.world import EVENT, SECOND, World, scattered

PUBLISHED_DAYS = 7
CONSUMED_DAYS = 30
_PAYLOAD = b"\x0a" + b"the order with its lines, its total and its address " * 7
# By database: events published and consumed per order.
_PUBLISHED = {"order": 4, "payment": 1}
_CONSUMED = {"order": 1, "payment": 1, "notification": 4}


def _outbox(database: str) -> Table:
    per_order = _PUBLISHED[database]
    sent, waiting = (
        row(
            *[LONG, UUID, same(f"souk.{database}.v1"), SIZED, same(f"souk.{database}.v1.Event"), LONG],
            *[same_json('{"ce_source": "souk"}'), same(_PAYLOAD), published],
        )
        for published in (LONG, NULL)
    )

    def rows(world: World, part: range) -> Iterator[bytes]:
        for order in part:
            time = long(world.placed(order))
            for number in range(order * per_order, order * per_order + per_order):
                key = sized(b"ord_%026x" % order)
                values = (long(number + 1), scattered(EVENT, number), key, time)
                yield waiting % values if order == world.orders - 1 else sent % (*values, time)

    return Table(
        *(database, "outbox", lambda world: world.since(PUBLISHED_DAYS), rows),
        "id event_id topic key type time headers payload published_at",
    )


def _inbox(database: str) -> Table:
    per_order = _CONSUMED[database]
    template = row(same(database), UUID, LONG)

    def rows(world: World, part: range) -> Iterator[bytes]:
        for order in part:
            time = long(world.placed(order) + SECOND)
            for number in range(order * per_order, order * per_order + per_order):
                yield template % (scattered(EVENT, number), time)

    return Table(
        database, "inbox", lambda world: world.since(CONSUMED_DAYS), rows, "consumer event_id received_at"
    )


EVENT_TABLES = [*map(_outbox, _PUBLISHED), *map(_inbox, _CONSUMED)]
