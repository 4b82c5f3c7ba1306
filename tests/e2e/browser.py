"""The browser that tests drive."""

import shutil


def browser() -> str:
    """Debian's or Nix's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
