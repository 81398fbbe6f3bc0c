"""The command lines that start a zygote, and what it is told first."""

import base64
from pathlib import Path

from pydantic import JsonValue

from services.plugin.domain.sandbox.execution import Isolation
from services.plugin.infra.sandbox.runtime_files import RuntimeFiles
from services.plugin.infra.sandbox.seccomp import FilterOptions, assemble

_INSIDE_GUEST = Path("/guest")
_INSIDE_TOOLS = Path("/guest-tools")
_INSIDE_NODE = Path("/guest-node/node")
_PYTHON_FLAGS = ("-I", "-S", "-B", "-X", "utf8")
_DEVICES = ("null", "zero", "random", "urandom")
_SYSTEM_FOLDERS = ("/lib", "/lib64")
# What a shell line may call: text, files and arithmetic; nothing that reaches out.
_TOOLS = (
    *(
        "sh",
        "[",
        "awk",
        "base64",
        "basename",
        "cat",
        "chmod",
        "cksum",
        "cmp",
        "comm",
        "cp",
        "csplit",
    ),
    *("cut", "date", "diff", "dirname", "du", "echo", "env", "expand", "expr", "false", "find"),
    *("fold", "grep", "gunzip", "gzip", "head", "join", "ln", "ls", "md5sum", "mkdir", "mktemp"),
    *(
        "mv",
        "nl",
        "od",
        "paste",
        "printf",
        "pwd",
        "rm",
        "rmdir",
        "sed",
        "seq",
        "sha256sum",
        "sleep",
    ),
    *("sort", "split", "stat", "tac", "tail", "tar", "tee", "test", "touch", "tr", "true", "uniq"),
    *("unexpand", "wc", "xargs", "yes", "zcat"),
)
_ZONES = "/usr/share/zoneinfo"
_SCRATCH = "/tmp"  # noqa: S108 - each execution's own


def zygote_command(isolation: Isolation, files: RuntimeFiles, bwrap: str) -> list[str]:
    """What to execute, with an empty environment and never as root."""
    if isolation == "landlock":
        return [str(files.python), *_PYTHON_FLAGS, str(files.guest / "zygote.py")]
    interpreter = [str(files.python), *_PYTHON_FLAGS, str(_INSIDE_GUEST / "zygote.py")]
    return [bwrap, *_namespaces(), *_mounts(files), *_seal(), "--", *interpreter]


def first_message(
    isolation: Isolation, files: RuntimeFiles, exec_path_address: int
) -> dict[str, JsonValue]:
    """The settings that the zygote needs before it can fork."""
    inside = isolation == "bwrap"
    node = _INSIDE_NODE if inside else files.node
    guest = _INSIDE_GUEST if inside else files.guest
    python = assemble(FilterOptions(isolation=isolation))
    javascript = assemble(FilterOptions(isolation=isolation, exec_path_address=exec_path_address))
    command = assemble(FilterOptions(isolation=isolation, commands=True))
    return {
        "isolation": isolation,
        "filters": {
            "python3": _text(python),
            "javascript": _text(javascript),
            "command": _text(command),
        },
        "tools_path": str(_INSIDE_TOOLS),
        "node_path": str(node),
        "worker_path": str(guest / "run_javascript.js"),
        "landlock": [] if inside else _landlock_rules(files),
    }


def _text(program: bytes) -> str:
    return base64.b64encode(program).decode()


def _namespaces() -> list[str]:
    # CAP_SYS_ADMIN holds in the sandbox's own user namespace only: enough to detach /proc.
    return [
        *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts"),
        *("--unshare-cgroup-try", "--unshare-net", "--die-with-parent", "--new-session"),
        *("--clearenv", "--setenv", "PATH", "/usr/bin", "--setenv", "HOME", _SCRATCH),
        *("--setenv", "TMPDIR", _SCRATCH, "--setenv", "LANG", "C.UTF-8"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox"),
        *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"),
    ]


def _mounts(files: RuntimeFiles) -> list[str]:
    arguments = ["--ro-bind", str(files.python), str(files.python), "--ro-bind", "/usr/lib"]
    arguments.append("/usr/lib")
    for folder in ("/usr/lib64", _ZONES):
        arguments += ["--ro-bind-try", folder, folder]
    for name in _SYSTEM_FOLDERS:
        folder = Path(name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), name]
        elif folder.exists():
            arguments += ["--ro-bind", name, name]
    for name in _TOOLS:
        tool = Path("/usr/bin") / name
        arguments += ["--ro-bind-try", str(tool.resolve()), str(_INSIDE_TOOLS / name)]
    arguments += ["--symlink", "usr/bin", "/bin"]
    arguments += ["--ro-bind", str(files.guest), str(_INSIDE_GUEST)]
    arguments += ["--ro-bind", str(files.node), str(_INSIDE_NODE)]
    for name in _DEVICES:
        arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    return arguments


def _seal() -> list[str]:
    # /proc is there for the zygote to map user ids; it detaches it before any code runs.
    return ["--dir", _SCRATCH, "--proc", "/proc", "--chdir", _SCRATCH, "--remount-ro", "/"]


def _landlock_rules(files: RuntimeFiles) -> list[JsonValue]:
    folders = ("/usr/lib", "/usr/lib64", *_SYSTEM_FOLDERS, _ZONES)
    readable = [*folders, str(files.python), str(files.guest), *(f"/dev/{n}" for n in _DEVICES)]
    # The kernel itself executes the loader that the Node binary names.
    loaders = [str(loader.resolve()) for loader in Path("/lib64").glob("ld-linux*")]
    rights = [
        *((path, "read") for path in readable),
        ("/dev/null", "write"),
        *((path, "execute") for path in (str(files.node), *loaders)),
    ]
    return [[path, right] for path, right in rights]
