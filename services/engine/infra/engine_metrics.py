"""What an engine counts. No tenant and no run stands in a label."""

from collections.abc import Callable
from dataclasses import dataclass

from libs.common.metrics import Metrics
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.worker import Worker
from services.engine.infra.postgres.journal_store import CommittedGroup, GroupCommitter

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the parts of an engine know anyway, read when the metrics are."""

    runs_under_way: Callable[[], float]
    lease_seconds: Callable[[], float]
    appends_waiting: Callable[[], float]
    events_published: Callable[[], float]
    events_waiting: Callable[[], float]


def readings_of(worker: Worker, committer: GroupCommitter, publisher: EventPublisher) -> Readings:
    """The readings of an engine's parts."""
    return Readings(
        runs_under_way=worker.under_way,
        lease_seconds=worker.lease_remaining,
        appends_waiting=lambda: committer.waiting,
        events_published=lambda: publisher.published,
        events_waiting=lambda: publisher.waiting,
    )


class EngineMetrics:
    """Children are bound once: counting looks nothing up but a status or an outcome."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._accepted = metrics.counter(
            "heddle_engine_runs_accepted",
            "Runs accepted: claimed at once, queued, or known already.",
            ("outcome",),
        )
        self._claims = metrics.counter(
            "heddle_engine_claims",
            "Runs claimed: at their acceptance, from the queue, or left over by a worker.",
            ("source",),
        )
        self._picks = metrics.histogram(
            "heddle_engine_queue_age_seconds",
            "How long a run had waited since its acceptance when it was first picked.",
        )
        self._takeovers = metrics.counter(
            "heddle_engine_takeovers", "Claims of runs whose worker had died with them."
        )
        self._set_aside = metrics.counter(
            "heddle_engine_runs_set_aside",
            "Runs taken out of circulation: quarantined or incompatible.",
            ("status",),
        )
        self._ended = metrics.counter(
            "heddle_engine_runs_ended", "Runs that reached their terminal status here.", ("status",)
        )
        self._steps = metrics.counter(
            "heddle_engine_nodes_executed", "Node executions of the runs that ended here."
        )
        self._group_rows = metrics.histogram(
            "heddle_engine_group_commit_rows", "Runs in one group commit.", buckets=_SIZES
        )
        self._group_seconds = metrics.histogram(
            "heddle_engine_group_commit_seconds", "One group commit, with its repetitions."
        )
        self._journal_bytes = metrics.counter(
            "heddle_engine_journal_bytes", "Bytes committed to the journal."
        )
        self._lost = metrics.counter(
            "heddle_engine_appends_lost", "Appends refused because the run has another owner."
        )
        self._effects = metrics.histogram(
            "heddle_engine_effect_seconds",
            "Effects from their dispatch to their outcome here.",
            ("kind", "outcome"),
        )
        self._layers = metrics.counter(
            "heddle_engine_layer_failures", "Layers that raised on a run.", ("layer",)
        )

    def layer_failed(self, layer: str) -> None:
        """A layer raised."""
        self._layers.labels(layer).inc()

    def accepted(self, outcome: str) -> None:
        """`outcome`: claimed, queued or known."""
        self._accepted.labels(outcome).inc()

    def claimed(self, source: str) -> None:
        """`source`: acceptance, queue or recovery."""
        self._claims.labels(source).inc()

    def picked(self, waited: float) -> None:
        """A run was claimed for the first time, `waited` seconds after its acceptance."""
        self._picks.observe(max(waited, 0.0))

    def taken_over(self) -> None:
        self._takeovers.inc()

    def set_aside(self, status: str) -> None:
        self._set_aside.labels(status).inc()

    def committed(self, group: CommittedGroup) -> None:
        """A group commit came back."""
        self._group_rows.observe(len(group.appends))
        self._group_seconds.observe(group.seconds)
        self._journal_bytes.inc(group.size)
        if group.lost:
            self._lost.inc(len(group.lost))
        for place, append in enumerate(group.appends, 1):
            if append.ending is not None and place not in group.lost:
                self._ended.labels(append.ending.status).inc()
                self._steps.inc(append.ending.total_steps)

    def effect(self, kind: str, outcome: str, seconds: float) -> None:
        """An effect has had its outcome here."""
        self._effects.labels(kind, outcome).observe(seconds)

    def watch(self, readings: Readings) -> None:
        """Show these too; once an engine."""
        metrics = self._metrics
        metrics.read_gauge(
            "heddle_engine_runs_under_way", "Runs this worker drives.", readings.runs_under_way
        )
        metrics.read_gauge(
            "heddle_engine_lease_remaining_seconds",
            "Seconds for which this worker may act as the owner of its runs; 0 without a lease.",
            readings.lease_seconds,
        )
        metrics.read_gauge(
            "heddle_engine_group_commit_waiting",
            "Appends that wait for the next group commit.",
            readings.appends_waiting,
        )
        metrics.read_gauge(
            "heddle_engine_events_waiting",
            "Events that wait to be published.",
            readings.events_waiting,
        )
        metrics.read_counter(
            "heddle_engine_events_published",
            "Events and text deltas published to listeners.",
            readings.events_published,
        )


class RetentionMetrics:
    """What the retention of the journal did."""

    def __init__(self, metrics: Metrics) -> None:
        self._held = 0
        self._dropped = metrics.counter(
            "heddle_engine_journal_months_dropped", "Months of the journal that were deleted."
        )
        metrics.read_gauge(
            "heddle_engine_journal_months_held",
            "Months that would have been deleted by now, but for runs in them that have not ended.",
            lambda: self._held,
        )

    def month_dropped(self) -> None:
        """What happened in the runs of a month is gone."""
        self._dropped.inc()

    def months_held(self, count: int) -> None:
        """So many old months have runs that have not ended."""
        self._held = count
