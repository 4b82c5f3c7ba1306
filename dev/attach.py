"""bazel run //order: runs one service, in the place of the local stack's own copy when a stack is up.

python -m dev.attach SERVICE BINARY [ARGUMENT...]. The stack stops its copy, tells us its environment, and starts its copy again when our
connection closes. Without a stack the service runs with its development defaults.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def stack_socket() -> Path:
    """Where a stack that was started from this checkout listens."""
    return Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), ".souk", "stack.sock")


def ask(connection: socket.socket, **request: str) -> dict[str, object]:
    """Sends one request to a stack and answers its reply."""
    connection.sendall(json.dumps(request).encode() + b"\n")
    with connection.makefile() as lines:
        answer: dict[str, object] = json.loads(lines.readline())
    return answer


def borrow(service: str) -> tuple[socket.socket | None, dict[str, str]]:
    """The connection that keeps the stack's copy aside, and the environment to run in."""
    connection = socket.socket(socket.AF_UNIX)
    # Paths of sockets are at most 107 characters long; from inside its folder the name is short.
    path = stack_socket()
    before = Path.cwd()
    try:
        os.chdir(path.parent)
        connection.connect(path.name)
    except OSError:
        return None, {"PROFILE": "development"}
    finally:
        os.chdir(before)
    answer = ask(connection, do="borrow", part=service)
    environment = answer.get("environment")
    if not isinstance(environment, dict):
        sys.exit(f"the stack refuses: {answer.get('error')}")
    return connection, {str(name): str(value) for name, value in environment.items()}


def main(service: str, binary: Path, arguments: list[str]) -> int:
    """Runs the service until it ends; Ctrl-C goes to it."""
    connection, environment = borrow(service)
    if connection is not None:
        print(f"{service}: in the place of the stack's copy", flush=True)
    os.chdir(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    process = subprocess.Popen([str(binary), *arguments], env={**environment, **os.environ})
    # The terminal sends Ctrl-C to both of us, and SIGTERM comes to us alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


if __name__ == "__main__":
    root = Path(os.environ["RUNFILES_DIR"], "souk")
    sys.exit(main(sys.argv[1], root / sys.argv[2], sys.argv[3:]))
