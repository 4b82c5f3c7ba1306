"""Namespaces of this process's own, so that nothing that a node does to networks and mounts reaches the machine."""

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWNET: Final = 0x40000000


def enter_namespaces(covers: Mapping[str, Path]) -> None:
    """Gives this process a network and mounts of its own; `covers`: folders of the machine, and what is mounted over each.

    A thread that exists before stays where it is, so there must be none.
    """
    if os.geteuid() != 0:
        raise PermissionError("a Kubernetes node needs root: run make cluster-test as root")
    assert threading.active_count() == 1, threading.enumerate()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")
    for covered, folder in covers.items():
        folder.mkdir(parents=True)
        _run("mount", "--bind", str(folder), covered)
    _run("ip", "link", "set", "lo", "up")


def replace_file(path: str, copy: Path) -> None:
    """Lets this process change a copy of a file of the machine instead of the file."""
    shutil.copy(path, copy)
    _run("mount", "--bind", str(copy), path)


def add_address(interface: str, address: str) -> None:
    """Adds an interface with this address and the default route. An end of a pair, because not every kernel has dummy devices."""
    _run("ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface}-peer")
    _run("ip", "link", "set", f"{interface}-peer", "up")
    _run("ip", "address", "add", f"{address}/24", "dev", interface)
    _run("ip", "link", "set", interface, "up")
    _run("ip", "route", "add", "default", "dev", interface)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
