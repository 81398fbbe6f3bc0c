"""Tables on the terminal."""

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_ANY_WIDTH = 100_000


def print_table(table: Table) -> None:
    """Print `table` as wide as its contents ask for.

    A narrow terminal breaks long lines; ids, states and errors that were cut could not be read,
    copied or searched for.
    """
    console = Console()
    wide = console.options.update(max_width=_ANY_WIDTH)
    needed = Measurement.get(console, wide, table).maximum
    if needed > console.width:
        table.box = box.SIMPLE
    Console(width=max(console.width, needed), soft_wrap=True).print(table)
