"""Shared by tests and the local stack: real servers as child processes, waiting with deadlines, a manual clock.

Not used by services.
"""

from kit.testing.clock import FakeClock
from kit.testing.conditions import eventually, wait_until
from kit.testing.jvm import Elasticsearch, Kafka
from kit.testing.process import ChildProcess, free_port
from kit.testing.servers import Postgres, Redis

__all__ = [
    "ChildProcess",
    "Elasticsearch",
    "FakeClock",
    "Kafka",
    "Postgres",
    "Redis",
    "eventually",
    "free_port",
    "wait_until",
]
