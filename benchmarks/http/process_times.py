"""CPU seconds of everything that was started below this process."""

import re

import psutil

_NAMES = (
    (re.compile(r"services\.(\w+)\.main"), None),
    (re.compile(r"fast_upstream"), "upstream"),
    (re.compile(r"nats-server"), "nats"),
    (re.compile(r"redis-server"), "redis"),
    (re.compile(r"postgres"), "postgres"),
)


def cpu_seconds() -> dict[str, float]:
    """By service or server; this process is `client`."""
    own = psutil.Process()
    found = {"client": _used(own)}
    for process in own.children(recursive=True):
        try:
            name = _name(" ".join(process.cmdline()))
            if name is not None:
                found[name] = found.get(name, 0.0) + _used(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _name(command: str) -> str | None:
    for pattern, name in _NAMES:
        match = pattern.search(command)
        if match is not None:
            return name or match.group(1)
    return None
