"""`python -m payment` runs the service; its other commands are `migrate`, `settings` and `--check`."""

from kit.service import run
from payment.app import build
from payment.settings import Settings

if __name__ == "__main__":
    run(build, Settings)
