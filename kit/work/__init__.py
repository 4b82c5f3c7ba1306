"""Work beside requests: leased effects (`Worker`), sweeps (`Every`), retention (`Retention`), group commit (`Batcher`).

See docs/decisions/0011. Which rows are work, how long a lease is and when to try again is a store's to say.
"""

from kit.work.backoff import Backoff
from kit.work.batcher import Batcher
from kit.work.periodic_job import PeriodicJob
from kit.work.retention import Retention
from kit.work.supervisor import SupervisedTask, SupervisedThread
from kit.work.worker import LeaseLost, Worker

__all__ = [
    "Backoff",
    "Batcher",
    "LeaseLost",
    "PeriodicJob",
    "Retention",
    "SupervisedTask",
    "SupervisedThread",
    "Worker",
]
