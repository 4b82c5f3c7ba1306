"""Generates the typed client: python -m gateway.client.generate OUT.zip PACKAGES FILE..., by ariadne-codegen, which is in PACKAGES."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


def main(out: str, packages: str, *files: str) -> None:
    """Writes an archive that Python imports as it is."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            shutil.copy(file, folder)
        _generate(Path(folder), Path(packages).resolve())
        _pack(Path(folder), Path(out))


def _generate(folder: Path, site: Path) -> None:
    # It formats by ruff, a program.
    environment = os.environ | {"PYTHONPATH": str(site), "PATH": f"{site}/bin:{os.environ['PATH']}"}
    command = [sys.executable, "-S", "-m", "ariadne_codegen"]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def _pack(folder: Path, out: Path) -> None:
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for path in sorted((folder / "souk_client").rglob("*")):
            # Without the time of the file.
            archive.writestr(ZipInfo(str(path.relative_to(folder))), path.read_bytes(), ZIP_DEFLATED)


if __name__ == "__main__":
    main(*sys.argv[1:])
