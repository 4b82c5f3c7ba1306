"""Writes deploy/grafana/dashboards from the panels in short: `make dashboards`."""

import json
import sys
from pathlib import Path
from typing import Any

from dev.dashboards import objectives, overviews, services
from dev.dashboards.panels import dashboard

SERVICES = ("gateway", "account", "catalog", "order", "payment", "notification")


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its uid, which is the name of its file."""
    shown = {
        "business": ("business", overviews.BUSINESS),
        "slo": ("objectives", objectives.panels()),
        "requests": ("requests", overviews.REQUESTS),
        "events": ("events and work", overviews.EVENTS),
    }
    made = [dashboard(f"souk-{name}", title, panels) for name, (title, panels) in shown.items()]
    made += [dashboard(f"souk-{name}", name, services.panels(name), "service") for name in SERVICES]
    return {content["uid"]: content for content in made}


def text(content: dict[str, Any]) -> str:
    """The content of a dashboard's file."""
    return json.dumps(content, indent=2) + "\n"


def main(folder: Path) -> None:
    """Replaces all files in the folder."""
    for file in folder.glob("*.json"):
        file.unlink()
    for uid, content in dashboards().items():
        (folder / f"{uid}.json").write_text(text(content))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
