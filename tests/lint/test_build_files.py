"""buildifier: layout and lint of every BUILD file, every .bzl and the WORKSPACE."""

import os
import re
import subprocess
from pathlib import Path

from tests.house.house import committed
from tests.lint.checkout import ROOT

# Removed from Bazel by version 7, according to its release notes.
GONE = (
    r'cfg = "(host|data)"',
    r"\.to_json\(\)|\.to_proto\(\)",
    r"@bazel_tools//platforms",
    r"managed_directories",
    r"native\.(bind|maven_jar|git_repository|http_archive|new_\w+)\(",
    r"input_manifests|output_to_genfiles|fragments_for_host|host_fragments",
    r"\b(single_file|non_empty|allow_rules) = ",
    r"ctx\.(file_action|new_file|action|experimental_new_directory|template_action)\(",
    r"\bset\(\[|\bdepset\([^)]*\) \+ ",
)
# Not yet in 4.2.
LATER = (
    r"\b(RunEnvironmentInfo|subrule|module_extension|use_extension|use_repo|repository_ctx\.getenv|macro)\b",
    r"rctx\.(getenv|watch|watch_tree|repo_metadata)\b",
    r"\b(parent|initializer|extendable|dependency_resolution_rule|symbolic|configurable) = ",
    r"json\.decode\([^)]*default",
    r"\bnative\.(package_relative_label|module_name)\b",
    r"\.(same_package_label|repo_name)\b",
)
BUILDIFIER = Path(os.environ["RUNFILES_DIR"], "npm", "bin", "buildifier")


def test_build_files_are_laid_out_and_free_of_warnings() -> None:
    files = [
        str(path)
        for path in committed()
        if path.name in ("BUILD.bazel", "WORKSPACE") or path.suffix == ".bzl"
    ]
    assert len(files) > 30
    done = subprocess.run(
        [BUILDIFIER, "-mode=check", "-lint=warn", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_starlark_uses_only_what_bazel_has_from_4_to_7() -> None:
    """According to their documentation; docs/decisions/0001 lists the versions that built the repository."""
    faults = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in committed()
        if path.name in ("BUILD.bazel", "WORKSPACE") or path.suffix == ".bzl"
        for pattern in (*GONE, *LATER)
        if (match := re.search(pattern, path.read_text()))
    ]
    assert not faults
