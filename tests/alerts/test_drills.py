"""The shortest alert drills; `make alert-drill` runs all of them."""

from tests.alerts.drills import DRILLS, QUICK
from tests.alerts.run import FACTOR, run
from tests.alerts.stack import plain_stack


def test_what_the_quick_drills_break_is_alerted() -> None:
    drills = [drill for drill in DRILLS if drill.name in QUICK]
    errors, fired = run(plain_stack, drills, factor=FACTOR)
    assert errors == []
    assert {alert for drill in drills for alert in drill.alerts} <= fired
