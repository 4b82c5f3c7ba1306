"""The topic of the catalog: the events of its aggregates."""

from typing import Final

from catalog.products import events as products
from catalog.stock import events as stock
from kit.events import AUDIT, Topic

TOPIC: Final = Topic("souk.catalog.v1", {**products.EVENTS, **stock.EVENTS}, also=AUDIT)
