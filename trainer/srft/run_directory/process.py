"""Who runs: what a reader needs to tell this process from another that got its number later, or on another machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """This process, as `status.json` names it."""

    host: str
    boot_id: str | None
    """Changes with every start of the machine; None where the system has none."""
    pid_namespace: str | None
    """Linux: which numbering of processes the pid is of."""
    pid: int
    pid_started: float | None
    """Seconds since 1970, to about a second; None where the system does not tell."""

    @staticmethod
    def here() -> ProcessIdentity:
        """This very process."""
        host = socket.gethostname()
        if sys.platform == "linux":
            return ProcessIdentity(host, _linux_boot_id(), _linux_pid_namespace(), os.getpid(), _linux_started())
        if sys.platform == "win32":
            return ProcessIdentity(host, None, None, os.getpid(), _windows_started())
        boot_id = _answer_of(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"])
        return ProcessIdentity(host, boot_id, None, os.getpid(), _ps_started())


def _linux_boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _linux_pid_namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _linux_started() -> float | None:
    try:
        # Field 22, counted after the name, which may itself hold spaces and parentheses.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        lines = Path("/proc/stat").read_text().splitlines()
    except (OSError, ValueError, IndexError):
        return None
    booted = next((int(line.split()[1]) for line in lines if line.startswith("btime ")), None)
    return None if booted is None else booted + ticks / os.sysconf("SC_CLK_TCK")


def _ps_started() -> float | None:
    text = _answer_of(["/bin/ps", "-o", "lstart=", "-p", str(os.getpid())])
    if text is None:
        return None
    try:
        return time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None


def _answer_of(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, env={"LC_ALL": "C"}, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    def _windows_started() -> float | None:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.GetProcessTimes.argtypes = [wintypes.HANDLE] + [ctypes.POINTER(wintypes.FILETIME)] * 4
        times = [wintypes.FILETIME() for _ in range(4)]
        if not kernel.GetProcessTimes(kernel.GetCurrentProcess(), *(ctypes.byref(t) for t in times)):
            return None
        ticks = times[0].dwHighDateTime << 32 | times[0].dwLowDateTime
        return ticks / 10_000_000 - 11_644_473_600  # 100 ns since 1601
