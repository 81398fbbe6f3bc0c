"""Rows of cells as a Markdown table."""

from collections.abc import Iterable, Sequence


def as_table(rows: Iterable[Sequence[str]]) -> str:
    """The first row is the head. Empty rows, and empty columns at the end, are left out."""
    cleaned = [[_cell(cell) for cell in row] for row in rows]
    filled = [row for row in cleaned if any(row)]
    width = max((_used(row) for row in filled), default=0)
    if width == 0:
        return ""
    lines = [_line(row, width) for row in filled]
    lines.insert(1, _line(["---"] * width, width))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _used(row: Sequence[str]) -> int:
    return max(place for place, cell in enumerate(row, 1) if cell)


def _line(row: Sequence[str], width: int) -> str:
    padded = [*row[:width], *[""] * (width - len(row))]
    return f"| {' | '.join(padded)} |"
