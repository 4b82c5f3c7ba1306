"""The local stack's Prometheus: the jobs and alert rules of deploy/prometheus with local addresses."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# As deployed. A scrape takes each service some ms of CPU, so a shorter interval is felt at rest.
SCRAPE_SECONDS = 15
DEPLOYED = Path(__file__).parent.parent / "deploy" / "prometheus"


def write_config(folder: Path, addresses: Mapping[str, str], *, scrape_seconds: int = SCRAPE_SECONDS) -> Path:
    """Writes prometheus.yml and its rules to `folder`; `addresses`: host:port by service. Returns the path of prometheus.yml."""
    config: dict[str, Any] = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = f"{scrape_seconds}s"
    config["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [addresses[job["job_name"]]]}]}
        for job in config["scrape_configs"]
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for rules in config["rule_files"]:
        shutil.copyfile(DEPLOYED / rules, folder / rules)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
