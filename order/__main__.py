"""`python -m order`: runs the service; `migrate`, `settings` and `--check` beside it."""

from kit.service import run
from order.app import build
from order.settings import Settings

if __name__ == "__main__":
    run(build, Settings)
