"""`python -m gateway`: serves; `--check`, `settings`, `schema` and `collection` beside it."""

from gateway.app import build
from gateway.settings import Settings
from kit.service import run

if __name__ == "__main__":
    run(build, Settings)
