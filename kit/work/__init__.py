"""Background work: leased effects (`Worker`), periodic jobs (`PeriodicJob`), retention (`Retention`), group commit (`Batcher`).

See docs/decisions/0011. A store decides which rows are work, how long a lease lasts and when to retry.
"""

from kit.work.batcher import Batcher
from kit.work.periodic_job import PeriodicJob
from kit.work.retention import Retention
from kit.work.single_flight import SingleFlight
from kit.work.supervisor import SupervisedTask, SupervisedThread
from kit.work.worker import LeaseLost, Worker

__all__ = [
    "Batcher",
    "LeaseLost",
    "PeriodicJob",
    "Retention",
    "SingleFlight",
    "SupervisedTask",
    "SupervisedThread",
    "Worker",
]
