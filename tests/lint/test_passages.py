"""No passage of twelve lines is written twice. BUILD files are lists of names, as imports are, and may be equal."""

from tests.house.house import committed, in_tests
from tests.lint.checkout import ROOT
from tests.lint.passages import equal_passages

LINES = 12
SUFFIXES = {".py", ".bzl", ".sh", ".js", ".html", ".css", ".proto", ".sql", ".java", ".md"}


def test_no_passage_is_written_twice() -> None:
    files = {
        str(path.relative_to(ROOT)): path.read_text()
        for path in committed()
        if path.suffix in SUFFIXES and not in_tests(path)
    }
    passages = equal_passages(files, LINES)
    assert not passages, "\n" + "\n".join(map(str, passages))


def test_an_equal_passage_is_found_in_another_layout() -> None:
    passage = "".join(f"step_{number}()\n" for number in range(12))
    other = "import os\n" + passage.replace("\n", "\n\n").replace("step", "  step")
    (result,) = equal_passages({"a.py": "start()\n" + passage, "b.py": other}, LINES)
    assert (result.first, result.second, result.lines) == (("a.py", 2), ("b.py", 2), 12)


def test_eleven_equal_lines_are_no_passage() -> None:
    passage = "".join(f"step_{number}()\n" for number in range(11))
    assert not equal_passages({"a.py": passage, "b.py": passage}, LINES)
