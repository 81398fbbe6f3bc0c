"""All stores of one engine."""

from dataclasses import dataclass

from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.conversation_store import ConversationStore
from services.engine.app.ports.form_store import FormStore
from services.engine.app.ports.journal_store import JournalReader, JournalWriter
from services.engine.app.ports.parking_store import ParkingStore
from services.engine.app.ports.run_store import RunStore
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.ports.worker_leases import WorkerLeases
from services.engine.app.ports.workflow_store import WorkflowStore


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStores:
    """Where an engine keeps its truth. `writer` is the worker's own."""

    runs: RunStore
    commands: CommandStore
    leases: WorkerLeases
    workflows: WorkflowStore
    reader: JournalReader
    writer: JournalWriter
    snapshots: SnapshotStore
    conversations: ConversationStore
    parking: ParkingStore
    forms: FormStore
