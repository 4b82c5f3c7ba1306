"""`python -m order` runs the service; its other commands are `migrate`, `settings` and `--check`."""

from kit.service import run
from order.app import build
from order.settings import Settings

if __name__ == "__main__":
    run(build, Settings)
