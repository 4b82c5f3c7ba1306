"""What a service awaits before it is ready for the first time, shown on a process of its own."""

from pathlib import Path

from kit.service.tests.running import Start, start

__all__ = ["start"]


async def test_it_is_ready_once_what_it_awaits_has_responded_and_later_without_it(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "up"
    running = start(LATE_UNTIL=str(file), AWAITED_SECONDS="60")
    await running.logged("service.waiting_for_dependency")
    assert (await running.get("/readyz")).json()["status"] == "starting"

    file.touch()
    await running.ready()

    file.unlink()
    response = await running.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"]["late"] == "UNAVAILABLE"


async def test_it_is_ready_without_what_it_awaits_after_the_limit(start: Start, tmp_path: Path) -> None:
    running = start(LATE_UNTIL=str(tmp_path / "never"), AWAITED_SECONDS="0.5")
    await running.ready()
    assert "service.ready_without" in running.events()
