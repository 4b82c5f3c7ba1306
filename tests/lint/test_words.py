"""Plain English: the words of tests/lint/words.py stand in no file."""

import pytest

from tests.house.house import committed
from tests.lint.checkout import ROOT
from tests.lint.words import faults

# Third parties' and generated files, and migrations older than this test: databases remember their texts.
SKIPPED = (
    "third_party/npm/package-lock.json",
    "flake.lock",
    "LICENSE",
    "account/migrations/0002_sessions_links_audit.sql",
    "account/migrations/0011_addresses.sql",
    "catalog/migrations/0001_catalog.sql",
    "catalog/migrations/0002_stock_audit.sql",
    "catalog/migrations/0003_availability_told.sql",
    "kit/db/sql/0001_outbox_and_inbox.sql",
    "notification/migrations/0001_notifications.sql",
    "payment/migrations/0002_refund_requests.sql",
    "payment/migrations/0003_balanced_ledger.sql",
)
SUFFIXES = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".proto",
    ".sh",
    ".graphql",
    ".bzl",
    ".bazel",
    ".toml",
    ".ini",
    ".js",
    ".css",
    ".sql",
}
SUFFIXES |= {".html", ".txt", ".svg", ".java", ".nix", ".in", ".json", ".j2", ".ftl", ""}


def texts() -> dict[str, str]:
    """Every text that we write, by its path."""
    paths = {str(path.relative_to(ROOT)): path for path in committed() if path.suffix in SUFFIXES}
    return {
        name: path.read_text()
        for name, path in paths.items()
        if name not in SKIPPED and not name.endswith("lock.json")
    }


def spoken(names: dict[str, str]) -> list[str]:
    return [
        f"{name}:{line}: {word!r}: write {better}"
        for name in names
        for line, word, better in faults(name, names[name])
    ]


def test_every_text_is_plain_english() -> None:
    wrong = spoken(texts())
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("order/domain.py", '"""The customer is told."""'),
        ("order/domain.py", "def heard() -> None: ..."),
        ("order/domain.py", "# nobody reads it"),
        ("order/domain.py", "raise ValueError('begin anew')"),
        ("order/domain.py", "_LINES_MOST = 100"),
        ("order/domain.py", "for each in rows: ..."),
        ("order/domain.py", "class Fact: ..."),
        ("order/domain.py", "def main(*words: str) -> None: ..."),
        ("order/domain.py", "def by(least: int) -> None: ..."),
        ("order/domain.py", "self.kept = 3"),
        ("order/store.py", 'SQL = "WITH asked AS (SELECT 1) SELECT 2"'),
        ("order/store.py", 'SQL = "SELECT count(*) AS refused FROM orders"'),
        ("order/migrations/0099_carts.sql", "-- Carts that nobody orders."),
        ("order/metrics.py", 'X = "souk_order_refunds_put_off_total"'),
        ("order/reporting.py", 'log.info("order.told", order_id=order_id)'),
        ("order/settings.py", 'x: int = setting("Seconds until it is asked for again")'),
        ("docs/guarantees.md", "An order whose payment\nstands in the way"),
        ("deploy/alerts.yml", "summary: the provider is away"),
        ("proto/souk/order/v1/order.proto", "// So many at once."),
        ("order/tests/test_domain.py", "def test_whoever_pays_is_mailed() -> None: ..."),
    ],
)
def test_a_word_that_is_out_is_found(path: str, text: str) -> None:
    assert faults(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "# delivered at least once, in fact twice",
        "Kafka(max_in_flight=1, auto_offset_reset='most_recent')",
        "at_least_once = True",
        "def test_at_most_ten_lines_are_kept() -> None: ...",
        "# take it away from the index; it is far from it",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not faults("order/domain.py", text)
