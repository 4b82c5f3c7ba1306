"""python -m account: serve, migrate, --check, settings, grant_admin, rotate_keys."""

from account.app import build
from account.settings import Settings
from kit.service import run

if __name__ == "__main__":
    run(build, Settings)
