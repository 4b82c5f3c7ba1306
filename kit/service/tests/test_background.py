"""What runs beside requests in every service."""

from kit.db import Database
from kit.service import Service
from kit.settings import BaseSettings, load


def test_every_database_is_pruned_whether_its_service_publishes_or_not() -> None:
    settings = load(BaseSettings, {"PROFILE": "development"})
    service = Service(
        name="quiet", settings=settings, database=Database("postgresql://souk@127.0.0.1:1/none")
    )

    assert [job.name for job in service.background()] == ["retention.outbox", "retention.inbox"]
