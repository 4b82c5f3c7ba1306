"""The dashboards of deploy/grafana are those that `make dashboards` writes."""

from dev.dashboards.server import DASHBOARDS
from dev.dashboards.write import dashboards, text


def test_the_files_are_those_of_the_definitions() -> None:
    files = {file.stem: file.read_text() for file in DASHBOARDS.glob("*.json")}
    assert files == {uid: text(content) for uid, content in dashboards().items()}, "run `make dashboards`"


def test_panels_lie_side_by_side_and_below_each_other() -> None:
    for content in dashboards().values():
        cells = [
            (x, y)
            for panel in content["panels"]
            for place in [panel["gridPos"]]
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells)), content["uid"]
        assert max(x for x, _ in cells) < 24
