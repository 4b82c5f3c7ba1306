"""How long reservations that are over, and single changes of stock, are kept."""

from catalog.adjustment_store import AdjustmentHistory
from catalog.settings import Settings
from kit.db import Database
from kit.work import PeriodicJob, Retention

# Their lines go with them.
_RESERVATIONS_AT_ONCE = 200
_ADJUSTMENTS_SECONDS = 600.0


def retentions(db: Database, settings: Settings) -> list[PeriodicJob]:
    """The jobs. What was sold stays sold: reservations that have stock are kept, as the orders are."""
    history = AdjustmentHistory(db, settings.adjustment_retention_seconds)
    return [
        Retention(
            db,
            "reservations",
            "update_time",
            settings.reservation_retention_seconds,
            condition="state IN ('RELEASED', 'RETURNED')",
            batch_size=_RESERVATIONS_AT_ONCE,
        ),
        PeriodicJob("retention.stock_adjustments", _ADJUSTMENTS_SECONDS, history.carry),
    ]
