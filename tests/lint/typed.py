"""An interpreter for mypy, with the packages of the lock."""

import sys
from pathlib import Path


def environment(folder: Path) -> Path:
    """An interpreter whose installed packages are those of the lock: mypy looks for types there."""
    site = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    installed = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(site)
    return python
