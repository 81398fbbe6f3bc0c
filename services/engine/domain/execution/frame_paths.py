"""Where a frame stands: `container:index`, from the outermost inwards, joined by commas.

The run's own frame is "". An id's own commas, colons, slashes and per cent signs are escaped, so
that a path is one part of an effect's key and can be read again.
"""

from urllib.parse import quote, unquote

_SEPARATOR = ","
_MARKS = str.maketrans({mark: quote(mark, safe="") for mark in "%,:/"})


def frame_path(parent: str, container: str, index: int) -> str:
    """The path of round `index` of `container`, which stands in frame `parent`."""
    last = f"{container.translate(_MARKS)}:{index}"
    return f"{parent}{_SEPARATOR}{last}" if parent else last


def is_within(path: str, frame: str) -> bool:
    """Whether `path` is `frame` or lies inside it."""
    return path == frame or not frame or path.startswith(frame + _SEPARATOR)


def rounds_of(path: str) -> list[tuple[str, int]]:
    """Container id and index, outermost first; empty for the run's own frame."""
    found: list[tuple[str, int]] = []
    for part in path.split(_SEPARATOR) if path else ():
        container, _, index = part.rpartition(":")
        found.append((unquote(container), int(index)))
    return found
