"""python -m notification: serve, migrate, --check, settings."""

from kit.service import run
from notification.app import build
from notification.settings import Settings

if __name__ == "__main__":
    run(build, Settings)
