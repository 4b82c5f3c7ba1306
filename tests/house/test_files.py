"""Where files lie, and what they may not mention."""

import re
import sys

import pytest

from tests.house.house import SERVICES, committed, in_tests, python
from tests.lint.checkout import ROOT

ROOMS = set(
    "__init__ __main__ app context costs development events fields identities metrics options order_updates paging peers playground "
    "ports postman requests retention rpc settings tables use_cases".split()
)
# A machine's own paths, and hosts of registries: the clients know where they are.
FORBIDDEN = re.compile(
    r"/work/(main|shared)|/root/|registry\.npmjs\.org|repo1?\.maven\.org|files\.pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org"
)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_rooms_that_readers_know(service: str) -> None:
    unknown = {path.stem for path in (ROOT / service).glob("*.py")} - ROOMS
    assert not unknown, f"{service} has rooms of its own: {sorted(unknown)}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_is(service: str) -> None:
    text = (ROOT / service / "README.md").read_text()
    assert text.startswith(f"# {service}\n")
    assert len(text.splitlines()) <= 80, "more than one screen"
    for heading in ("RPC" if service != "gateway" else "HTTP", "ublishes", "onsumes", "ables", "ettings"):
        assert heading in text, f"{service}/README.md does not say: {heading}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python()
        if path.read_text() and not path.read_text().startswith(('"""', "#!"))
    ]
    assert not silent


def test_no_module_takes_the_name_of_a_standard_one() -> None:
    taken = [
        str(path.relative_to(ROOT))
        for path in python()
        if path.stem in sys.stdlib_module_names and not path.stem.startswith("__")
    ]
    assert not taken


def test_services_store_the_time_of_their_database() -> None:
    """ADR 0047; the date of a mail is not stored."""
    own_clock = [
        str(path.relative_to(ROOT))
        for service in SERVICES
        for path in (ROOT / service).rglob("*.py")
        if not in_tests(path) and re.search(r"\butc_now\b|\b(datetime\.now|time\.time)\(", path.read_text())
    ]
    assert own_clock == ["notification/smtp/encoding.py"]


def test_nothing_of_this_machine_is_committed() -> None:
    mentions = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed()
        if path.name not in ("test_files.py", "package-lock.json")
        for match in FORBIDDEN.finditer(path.read_text(errors="replace"))
    ]
    assert not mentions


def test_nothing_generated_is_committed() -> None:
    assert not [path for path in committed() if path.name.endswith(("_pb2.py", "_pb2.pyi", "_pb2_grpc.py"))]


def test_links_in_documents_lead_somewhere() -> None:
    broken = []
    for path in committed():
        if path.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text()):
                if not (path.parent / target).exists():
                    broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def test_the_make_targets_that_documents_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for path in committed()
        if path.suffix == ".md"
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), re.MULTILINE)
    }
    assert named <= targets
