"""No service depends on another's code, according to Bazel."""

from pathlib import Path

import pytest

SERVICES = ("account", "catalog", "gateway", "notification", "order", "payment")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_depends_on_no_other(service: str) -> None:
    # genquery: deps(//<service>:lib), one label a line
    labels = Path("tests/lint", f"deps_of_{service}").read_text().split()
    assert f"//{service}:lib" in labels
    others = tuple(f"//{other}:" for other in SERVICES if other != service)
    assert [label for label in labels if label.startswith(others)] == []
