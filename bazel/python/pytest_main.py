"""Runs pytest as Bazel expects of a test: JUnit XML, --test_filter and sharding."""

import os
import sys
from pathlib import Path

import pytest


class Shard:
    """Keeps every n-th test, so that Bazel's shard_count splits one target's tests."""

    def __init__(self, index: int, total: int) -> None:
        self.index = index
        self.total = total

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        selected = items[self.index :: self.total]
        config.hook.pytest_deselected(items=[item for item in items if item not in selected])
        items[:] = selected


def main(args: list[str]) -> int:
    env = os.environ
    options = ["--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session"]
    options += ["-o", "asyncio_default_test_loop_scope=session"]
    plugins: list[object] = []
    if path := env.get("XML_OUTPUT_FILE"):
        options += [f"--junitxml={path}", "-o", "junit_family=xunit1"]
    if path := env.get("TEST_TMPDIR"):
        options += [f"--basetemp={path}/pytest"]
    if expression := env.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", expression]
    if env.get("TESTBRIDGE_TEST_RUNNER_FAIL_FAST") == "1":
        options += ["-x"]
    sharded = int(env.get("TEST_TOTAL_SHARDS", "1")) > 1
    if sharded:
        Path(env["TEST_SHARD_STATUS_FILE"]).touch()
        plugins.append(Shard(int(env["TEST_SHARD_INDEX"]), int(env["TEST_TOTAL_SHARDS"])))
    status = pytest.main([*options, *args], plugins)
    # A shard or a filter may leave a target with nothing to run, which is no failure.
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and (sharded or env.get("TESTBRIDGE_TEST_ONLY")):
        return 0
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
