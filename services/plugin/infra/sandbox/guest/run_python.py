"""Runs the user's Python inside the jail and writes the report. Standard library alone."""

import ast
import gc
import importlib
import io
import json
import linecache
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable, Mapping, Sequence

_PRELOADED = (
    *("base64", "bisect", "calendar", "collections", "copy", "csv", "dataclasses", "datetime"),
    *("decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html"),
    *("itertools", "math", "operator", "random", "re", "secrets", "statistics", "string"),
    *("textwrap", "threading", "time", "typing", "unicodedata", "urllib.parse", "uuid"),
    "zoneinfo",
)
_CODE = "<code>"
_RESULT = 3
_MAX_FRAMES = 20
_MAX_MESSAGE = 8000


class _ResultError(Exception):
    """What `main` is or returned cannot be used."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line


def preload() -> None:
    """Import what code nodes use most, once, in the zygote: forks share it."""
    for name in _PRELOADED:
        importlib.import_module(name)


def run() -> None:
    """Read the request from stdin, run it, write the report, and exit."""
    request = json.loads(_read_all(0))
    with open("/dev/null", "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = _text_output(1)
    sys.stderr = _text_output(2)
    signal.signal(signal.SIGXCPU, _out_of_time)
    gc.enable()
    report = _report(request["code"], request["inputs"], request["result_bytes"])
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112 - the user may have replaced them
            continue
    _write_all(_RESULT, report)
    os._exit(0)


def _out_of_time(_number: int, frame: types.FrameType | None) -> None:
    """Report the CPU limit with the line that the user's code is at."""
    while frame is not None and frame.f_code.co_filename != _CODE:
        frame = frame.f_back
    _write_all(_RESULT, _limit("cpu", frame.f_lineno if frame else None))
    os._exit(0)


def _report(code: str, inputs: Mapping[str, object], result_bytes: int) -> bytes:
    try:
        module = _load(code)
        main = _find_main(module, code)
        result = main(**inputs)
    except _ResultError as error:
        return _failure(error.kind, str(error), error.line, [])
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is its outcome
        return _user_failure(error, _line_of(sys.modules["__main__"]))
    return _success(result, _line_of(module), result_bytes)


def _load(code: str) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__dict__["__file__"] = _CODE
    sys.modules["__main__"] = module
    lines = code.splitlines(keepends=True)
    linecache.cache[_CODE] = (len(code), None, lines, _CODE)
    exec(compile(code, _CODE, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module


def _find_main(module: types.ModuleType, code: str) -> Callable[..., object]:
    if "main" not in module.__dict__:
        raise _ResultError("MainNotFound", "the code must define a function called main")
    main = module.__dict__["main"]
    if not callable(main):
        kind = type(main).__name__
        message = f"main must be a function, not {kind}"
        raise _ResultError("MainNotCallable", message, _last_binding(code))
    return main


def _last_binding(code: str) -> int | None:
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Name) and node.id == "main" and isinstance(node.ctx, ast.Store)
    ]
    return lines[-1] if lines else None


def _line_of(module: types.ModuleType) -> int | None:
    code = getattr(module.__dict__.get("main"), "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == _CODE else None


def _success(result: object, line: int | None, result_bytes: int) -> bytes:
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        raw = text.encode()
    except MemoryError:
        return _limit("result", line)
    except UnicodeEncodeError:
        message = "main returned text that is not valid Unicode (a lone surrogate)"
        return _failure("InvalidResult", message, line, [])
    except BaseException as error:  # noqa: BLE001 - __repr__ and friends are the user's code
        reason = str(error).replace("Out of range float values are", "NaN and Infinity are")
        message = f"main returned what JSON cannot hold: {reason}"
        return _failure(type(error).__name__, message, line, [])
    if len(raw) > result_bytes:
        return _limit("result", line)
    return b'{"status":"ok","result":' + raw + b"}"


def _user_failure(error: BaseException, main_line: int | None) -> bytes:
    frames = [_frame(each.lineno, each.name, each.line) for each in _user_frames(error)]
    lines = [each.lineno for each in _user_frames(error)]
    line, message = lines[-1] if lines else main_line, _message(error)
    if isinstance(error, SyntaxError) and error.filename == _CODE:
        line, message = error.lineno, error.msg
        frames.append(_frame(line, "<module>", error.text))
    if limit := _limit_behind(error):
        return _limit(limit, line, type(error).__name__, frames)
    return _failure(type(error).__name__, message, line, frames)


def _frame(line: int | None, function: str, text: str | None) -> dict[str, object]:
    return {"line": line or 1, "function": function, "text": (text or "")[:500]}


def _user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    pairs = [
        pair
        for pair in traceback.walk_tb(error.__traceback__)
        if pair[0].f_code.co_filename == _CODE
    ]
    if len(pairs) > 2 * _MAX_FRAMES:
        pairs = pairs[:_MAX_FRAMES] + pairs[-_MAX_FRAMES:]
    return list(traceback.StackSummary.extract(iter(pairs)))


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_MESSAGE]
    except BaseException:  # noqa: BLE001 - __str__ is the user's code
        return ""


def _limit_behind(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno in (27, 28):  # EFBIG, ENOSPC
        return "disk"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return "processes"
    return None


def _limit(
    name: str, line: int | None, kind: str = "LimitExceeded", frames: Sequence[object] = ()
) -> bytes:
    report = {"status": "limit", "limit": name, "type": kind, "line": line, "frames": list(frames)}
    return json.dumps(report).encode()


def _failure(kind: str, message: str, line: int | None, frames: Sequence[object]) -> bytes:
    report = {"status": "error", "type": kind, "message": message, "line": line, "frames": frames}
    return json.dumps(report).encode()


def _text_output(descriptor: int) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _read_all(descriptor: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
