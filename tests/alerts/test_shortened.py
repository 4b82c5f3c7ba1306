"""Shortened rules differ from the deployed ones in their times only."""

import re
from typing import Any

from tests.alerts.drills import DRILLS, QUICK
from tests.alerts.secured import SECURED
from tests.alerts.shortened import shorten
from tests.alerts.stack import ALERTS, RULES

_TIMES = re.compile(r"\[[^\]]+\]|offset \w+")


def rules(groups: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in groups["groups"] for rule in group["rules"]]


def test_every_window_pause_and_offset_is_divided_and_nothing_else() -> None:
    rule = {"alert": "A", "expr": "x[5m] > 60 and y[1h] unless z offset 15m > 7 * 86400", "for": "10m"}
    (shorter,) = rules(shorten({"groups": [{"name": "g", "rules": [rule]}]}, 15))
    assert shorter["expr"] == "x[20000ms] > 60 and y[240000ms] unless z offset 60000ms > 7 * 86400"
    assert shorter["for"] == "40000ms"


def test_no_time_of_the_deployed_rules_is_left_as_it_was() -> None:
    for rule, shorter in zip(rules(RULES), rules(shorten(RULES, 15)), strict=True):
        assert _TIMES.sub("", shorter["expr"]) == _TIMES.sub("", rule["expr"])
        assert not re.search(r"(\[|offset )\d+[smhd]\b", shorter["expr"]), rule["alert"]
        assert ("for" in rule) == ("for" in shorter)
        assert rule["labels"] == shorter["labels"]


def test_every_alert_has_a_drill() -> None:
    assert {alert for drill in (*DRILLS, *SECURED) for alert in drill.alerts} == ALERTS
    assert set(QUICK) <= {drill.name for drill in DRILLS}
