"""python -m catalog: serve, migrate, --check, settings, reindex."""

from catalog.app import build
from catalog.settings import Settings
from kit.service import run

if __name__ == "__main__":
    run(build, Settings)
