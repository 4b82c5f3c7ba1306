"""Counts the test cases of a Bazel run: python dev/test_summary.py BUILD_EVENTS.

Reads only the JUnit files that the run's build events name (cached results included), not stale ones. A target without a JUnit file
counts as one case. Fails if a case failed or no test ran.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree


def cases(path: Path) -> Counter[str]:
    """The outcomes in one JUnit file."""
    counts: Counter[str] = Counter()
    for case in ElementTree.parse(path).iter("testcase"):
        tags = {child.tag for child in case}
        counts["failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"] += 1
    return counts


def outcomes(result: dict[str, object], files: dict[str, Path]) -> Counter[str]:
    """The outcomes of one run of one test target."""
    counts = cases(files["test.xml"]) if "test.xml" in files and files["test.xml"].exists() else Counter()
    if result["status"] != "PASSED" and not counts["failed"]:
        counts["failed"] += 1
    elif not counts:
        counts["passed"] += 1
    return counts


def main(events: Path) -> int:
    """Prints the counts and returns the exit status."""
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
