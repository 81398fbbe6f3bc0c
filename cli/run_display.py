"""A run on the terminal while it happens, and its trace afterwards."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.control_plane import Trace
from cli.run_events import EventData, RunEvent
from cli.run_outcome import RunOutcome

_STYLES = {"succeeded": "green", "failed": "red", "exception": "yellow", "stopped": "yellow"}


class RunDisplay:
    """Prints tokens as they come and a line for each step of a node."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._within_line = False

    def show(self, event: RunEvent, text: str) -> None:
        """Print what `event` tells; `text` is the answer text that it adds."""
        if text:
            self._console.print(Text(text), end="", soft_wrap=True)
            self._within_line = not text.endswith("\n")
        elif event.data is not None:
            self._step(event.event, event.data)

    def finish(self, outcome: RunOutcome) -> None:
        """The last word: the answer when it did not stream, and how it ended."""
        self._break_line()
        if not outcome.answer and outcome.outputs:
            self._console.print_json(data=outcome.outputs)
        ending = Text(f"Run {outcome.run_id} {outcome.status or 'ended'}", style="bold")
        if outcome.elapsed_time is not None:
            ending.append(f" in {outcome.elapsed_time:.2f} s")
        self._console.print(ending)
        if outcome.error:
            self._console.print(Text(outcome.error, style="red"), soft_wrap=True)

    def trace(self, trace: Trace) -> None:
        """The run's nodes as a table."""
        table = Table("node", "type", "status", title_justify="left")
        table.add_column("time", justify="right")
        table.add_column("tokens", justify="right")
        for node in trace.nodes:
            seconds = "" if node.elapsed_seconds is None else f"{node.elapsed_seconds:.3f} s"
            status = Text(node.status, style=_STYLES.get(node.status, ""))
            if node.taken_from:
                status.append(f", taken from {node.taken_from}")
            if node.error:
                status.append(f"\n{node.error}")
            tokens = str(node.total_tokens) if node.total_tokens else ""
            table.add_row(Text(node.title or node.node_id), node.type, status, seconds, tokens)
        self._console.print(table)

    def _step(self, event: str, data: EventData) -> None:
        name = data.title or data.node_id
        match event:
            case "node_started":
                self._line(Text(f"> {name}", style="dim"))
            case "node_finished":
                line = Text(f"  {name}: ")
                line.append(data.status, style=_STYLES.get(data.status, ""))
                line.append("" if data.elapsed_time is None else f" in {data.elapsed_time:.3f} s")
                if data.execution_metadata and data.execution_metadata.total_tokens:
                    line.append(f", {data.execution_metadata.total_tokens} tokens")
                if data.error:
                    line.append(f": {data.error}")
                self._line(line)
            case "node_retry":
                self._line(Text(f"  {name}: trying again: {data.error or ''}", style="yellow"))
            case _:
                pass

    def _line(self, line: Text) -> None:
        self._break_line()
        self._console.print(line)

    def _break_line(self) -> None:
        if self._within_line:
            self._console.print()
            self._within_line = False
