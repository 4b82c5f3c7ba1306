"""Base backups of the local PostgreSQL and the WAL since then, for recovery to a point in time.

WAL is archived from the first backup on; before that, nothing is kept. The commands are in `dev.recovery`.
"""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kit.testing import Postgres
from kit.testing.conditions import wait_until
from kit.testing.servers import program

# How long a commit may be only on the server's own disk: PostgreSQL archives a segment at least this often while there are changes.
ARCHIVE_SECONDS = 30
_NAME = "base-%Y%m%dT%H%M%SZ"
_RECOVERY_SECONDS = 600.0
_SETTINGS = ("restore_command", "recovery_target_time", "recovery_target_action")


class BackupError(Exception):
    """A backup or a restore is not possible; the message is printed to the user."""


class Backups:
    """The base backups in a folder, and the archived WAL beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wal = folder / "wal"

    def configuration(self) -> dict[str, str]:
        """Server parameters: without the folder `wal`, archiving keeps nothing."""
        # A segment that was archived before a crash is offered again. Other content under its name is another server's: never replaced.
        # The folder is named once, because PostgreSQL cuts the command off after 1,023 bytes.
        copy = 'cp %p "$w/%f.part" && mv "$w/%f.part" "$w/%f"'
        compare = 'cmp -s %p "$w/%f"'
        command = f'w={shlex.quote(str(self.wal))}; if [ ! -d "$w" ]; then :; elif [ -e "$w/%f" ]; then {compare}; else {copy}; fi'
        return {"archive_mode": "on", "archive_command": command}

    def take(self, server: Postgres, *, archive_seconds: int = ARCHIVE_SECONDS) -> Path:
        """Turns archiving on and takes a base backup of the running server."""
        self.wal.mkdir(parents=True, exist_ok=True)
        _query(server, f"ALTER SYSTEM SET archive_timeout = '{archive_seconds}s'")
        _query(server, "SELECT pg_reload_conf()")
        part = self.folder / "base.part"
        shutil.rmtree(part, ignore_errors=True)
        address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "souk"]
        _run([program("pg_basebackup"), *address, "-D", str(part), "--checkpoint=fast", "--no-sync"])
        # Named after its end: it can be restored to any later time.
        return part.rename(self.folder / datetime.now(UTC).strftime(_NAME))

    def newest(self, before: datetime | None) -> Path:
        """The newest base backup that was complete at that time."""
        for path in sorted(self.folder.glob("base-*"), reverse=True):
            end = datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
            if before is None or end <= before:
                return path
        raise BackupError(f"no base backup in {self.folder} is older than {before or 'now'}: make backup")

    def restore(self, server: Postgres, time: datetime | None) -> None:
        """Replaces the data of the stopped server by its state at that time, by default by the last archived one; leaves it running.

        The replaced data stays beside it, as `data.replaced`. WAL that was not archived is taken from there.
        """
        base = self.newest(time)
        data = server.folder / "data"
        replaced = data.with_name("data.replaced")
        if (data / "recovery.signal").exists():
            # Left by a restore that failed: what it replaced is kept.
            shutil.rmtree(data)
        elif data.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            data.rename(replaced)
        _run(["cp", "-a", str(base), str(data)])
        sources = [shlex.quote(str(folder)) + "/%f" for folder in (self.wal, replaced / "pg_wal")]
        restore_command = " || ".join(f'cp {source} "%p"' for source in sources)
        values = [restore_command, str(time) if time else "", "promote"]
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(
                f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n"
                for name, value in zip(_SETTINGS, values, strict=True)
            )
        (data / "recovery.signal").touch()
        server.launch()
        wait_until(lambda: _has_recovered(server), "PostgreSQL has recovered", seconds=_RECOVERY_SECONDS)
        for name in _SETTINGS:
            _query(server, f"ALTER SYSTEM RESET {name}")


def _has_recovered(server: Postgres) -> bool:
    """Raises BackupError if the server has exited."""
    assert server.process is not None
    try:
        return _query(server, "SELECT pg_is_in_recovery()") == "f"
    except BackupError:
        # A server that stops may respond once more.
        if server.process.status is None:
            return False
    log = server.process.tail()
    if "before configured recovery target was reached" in log:
        raise BackupError(
            "the archived WAL ends before that time: restore an earlier time, or without one the latest state"
        )
    raise BackupError(f"PostgreSQL has not recovered:\n{log}")


def _query(server: Postgres, sql: str) -> str:
    address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "souk", "-d", "postgres"]
    return _run([program("psql"), *address, "-Atqc", sql]).strip()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
