"""Results as JSON lines, or as a table for people."""

import json
from collections.abc import Sequence

from benchmarks.measured_row import MeasuredRow


def print_rows(rows: Sequence[MeasuredRow], *, as_json: bool) -> None:
    """One JSON object a row, or one markdown table."""
    if as_json:
        for row in rows:
            print(json.dumps(row.to_json()), flush=True)
        return
    peers = list(dict.fromkeys(name for row in rows for name in row.peers))
    header = ["row", "unit", "Heddle", "floor", "ratio", "bound", "holds", *peers]
    print(_line(header))
    print(_line(["---"] * len(header)))
    for row in rows:
        print(_line(_cells(row, peers)))


def failure(row: MeasuredRow, tolerance: float) -> str | None:
    """What does not hold, in words."""
    if row.bound is None or row.holds(tolerance):
        return None
    reached = f"{row.ratio:.2f} x its floor" if row.ratio is not None else "too much"
    return (
        f"{row.row}: {_number(row.heddle)} {row.unit} is {reached}, "
        f"the bound is {row.bound:g} (tolerance {tolerance:g})"
    )


def _cells(row: MeasuredRow, peers: Sequence[str]) -> list[str]:
    floor = f"{_number(row.floor)} ({row.floor_is})" if row.floor is not None else "-"
    bound = "-" if row.bound is None else f"<= {row.bound:g}" + ("x" if row.floor else "")
    return [
        row.row,
        row.unit,
        _number(row.heddle),
        floor,
        f"{row.ratio:.2f}" if row.ratio is not None else "-",
        bound,
        "-" if row.bound is None else ("yes" if row.holds() else "NO"),
        *(_number(row.peers[name]) if name in row.peers else "-" for name in peers),
    ]


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
