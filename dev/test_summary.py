"""Counts the test cases of a Bazel run: python dev/test_summary.py BUILD_EVENTS.

Reads the JUnit files that the run's own events name, cached ones included, so that the count is of this run and not of what lies about.
A target that left no JUnit file counts as one case. Fails when a case failed or nothing was tested.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree


def cases(path: Path) -> Counter[str]:
    """The outcomes in one JUnit file."""
    found: Counter[str] = Counter()
    for case in ElementTree.parse(path).iter("testcase"):
        tags = {child.tag for child in case}
        found["failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"] += 1
    return found


def outcomes(result: dict[str, object], files: dict[str, Path]) -> Counter[str]:
    """The outcomes of one run of one test target."""
    found = cases(files["test.xml"]) if "test.xml" in files and files["test.xml"].exists() else Counter()
    if result["status"] != "PASSED" and not found["failed"]:
        found["failed"] += 1
    elif not found:
        found["passed"] += 1
    return found


def main(events: Path) -> int:
    """Prints the counts; answers the exit status."""
    total: Counter[str] = Counter()
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if "testResult" not in event:
            continue
        result = event["testResult"]
        outputs = result.get("testActionOutput", [])
        files = {output["name"]: Path(unquote(urlparse(output["uri"]).path)) for output in outputs}
        total += outcomes(result, files)
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return int(bool(total["failed"]) or not total["passed"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
