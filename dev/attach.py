"""bazel run //order: runs one service, replacing the copy in the local stack if one is running.

python -m dev.attach SERVICE BINARY [ARGUMENT...]. The stack stops its copy, sends us its environment, and restarts the copy when our
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
    """The control socket of a stack that runs from this checkout."""
    return Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), ".souk", "stack.sock")


def send_request(connection: socket.socket, **request: str) -> dict[str, object]:
    """Sends a request to a stack and returns its response."""
    connection.sendall(json.dumps(request).encode() + b"\n")
    with connection.makefile() as lines:
        response: dict[str, object] = json.loads(lines.readline())
    return response


def replace_in_stack(service: str) -> tuple[socket.socket | None, dict[str, str]]:
    """The environment to run in, and the connection that keeps the stack's copy stopped while it is open; None without a stack."""
    connection = socket.socket(socket.AF_UNIX)
    # The path of a socket has at most 107 characters, so the name is relative to its folder.
    path = stack_socket()
    previous = Path.cwd()
    try:
        os.chdir(path.parent)
        connection.connect(path.name)
    except OSError:
        return None, {"PROFILE": "development"}
    finally:
        os.chdir(previous)
    response = send_request(connection, command="replace", component=service)
    environment = response.get("environment")
    if not isinstance(environment, dict):
        sys.exit(f"the stack did not stop its copy of {service}: {response.get('error')}")
    return connection, {str(name): str(value) for name, value in environment.items()}


def main(service: str, binary: Path, arguments: list[str]) -> int:
    """Runs the service until it exits; Ctrl-C is forwarded by the terminal."""
    connection, environment = replace_in_stack(service)
    if connection is not None:
        print(f"{service}: replaces the copy in the local stack", flush=True)
    os.chdir(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    process = subprocess.Popen([str(binary), *arguments], env={**environment, **os.environ})
    # The terminal sends SIGINT to both processes, but SIGTERM comes to this one only.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


if __name__ == "__main__":
    root = Path(os.environ["RUNFILES_DIR"], "souk")
    sys.exit(main(sys.argv[1], root / sys.argv[2], sys.argv[3:]))
