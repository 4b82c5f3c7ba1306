"""python -m payment: serve, migrate, --check, settings."""

from kit.service import run
from payment.app import build
from payment.settings import Settings

if __name__ == "__main__":
    run(build, Settings)
