"""`python -m gateway [--check | settings | schema | collection]`; without a command it serves."""

from gateway.app import build
from gateway.settings import Settings
from kit.service import run

if __name__ == "__main__":
    run(build, Settings)
