"""Builds the site: python -m docs.site.build OUT.zip MKDOCS FILE..., from files of the repository and locked mkdocs packages.

Nothing of the site comes from the network when it is built or read: fonts, scripts and the search index are files of its own.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from docs.site import error_reference, pages, schema_reference

ROOT = Path(__file__).parents[2]
_CDN_WORKER = "https://unpkg.com/iframe-worker/shim"
# The same files give the same site; without an advertisement of mkdocs' successor.
_ENVIRONMENT = {"SOURCE_DATE_EPOCH": "315619200", "NO_MKDOCS_2_WARNING": "1"}


def main(out: str, packages: str, *files: str) -> None:
    """Writes the archive; files are paths in the repository, relative to the current folder."""
    with tempfile.TemporaryDirectory() as folder:
        sources = {path: Path(path) for path in files}
        site = build(sources, Path(packages), Path(folder))
        _pack(site, Path(out))


def build(files: Mapping[str, Path], packages: Path, folder: Path) -> Path:
    """Makes the site in the folder and returns where it lies."""
    source = folder / "docs"
    (source / "reference").mkdir(parents=True)
    pages.write(files, source)
    schema_reference.write(files["gateway/schema.graphql"].read_text(), source / "reference")
    error_reference.write(ROOT, source / "reference")
    settings = files["docs/site/mkdocs.yml"].read_text()
    (folder / "mkdocs.yml").write_text(_with_folders(settings, source))
    environment = {"PYTHONPATH": str(packages.resolve()), "PATH": os.environ["PATH"], **_ENVIRONMENT}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--config-file", "mkdocs.yml"]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    _take_worker_from_here(folder / "site", files["docs/site/iframe_worker.js"].read_text())
    return folder / "site"


def _take_worker_from_here(site: Path, script: str) -> None:
    """Replaces the one script of mkdocs-material that would be loaded from a CDN by our own."""
    (site / "assets" / "iframe_worker.js").write_text(script)
    for page in site.rglob("*.html"):
        own = os.path.relpath(site / "assets" / "iframe_worker.js", page.parent)
        page.write_text(page.read_text().replace(_CDN_WORKER, own))


def _with_folders(settings: str, source: Path) -> str:
    """The settings with each folder of the navigation as its pages."""

    def listed(match: re.Match[str]) -> str:
        indent, title, folder = match.groups()
        names = sorted(path.name for path in (source / folder).glob("*.md") if path.name != "index.md")
        return "\n".join([f"{indent}- {title}:", *(f"{indent}    - {folder}{name}" for name in names)])

    return re.sub(r"^( +)- (\w+): (\S+/)$", listed, settings, flags=re.MULTILINE)


def _pack(site: Path, out: Path) -> None:
    with ZipFile(out, "w") as archive:
        for path in sorted(site.rglob("*")):
            if path.is_file() and path.name != "sitemap.xml.gz":
                archive.writestr(ZipInfo(str(path.relative_to(site))), path.read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
