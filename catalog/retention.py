"""How long closed reservations and single adjustments of stock are kept."""

from catalog.settings import Settings
from catalog.stock.history import AdjustmentHistory
from kit.db import Database
from kit.work import PeriodicJob, Retention

# Small batches: a reservation's lines are deleted with it.
_RESERVATION_BATCH_SIZE = 200
_ADJUSTMENTS_SECONDS = 600.0


def retentions(db: Database, settings: Settings) -> list[PeriodicJob]:
    """The jobs. Reservations of sold stock are kept for ever, as the orders are."""
    history = AdjustmentHistory(db, settings.adjustment_retention_seconds)
    return [
        Retention(
            db,
            "reservations",
            "update_time",
            settings.reservation_retention_seconds,
            condition="state IN ('RELEASED', 'RETURNED')",
            batch_size=_RESERVATION_BATCH_SIZE,
        ),
        PeriodicJob("retention.stock_adjustments", _ADJUSTMENTS_SECONDS, history.carry),
    ]
