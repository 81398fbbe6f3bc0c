"""Which events of the journal the world may see."""

from typing import Final

from services.engine.domain.events import journal

PublicJournalEvent = (
    journal.RunStarted
    | journal.NodeStarted
    | journal.ContainerStarted
    | journal.FrameStarted
    | journal.NodeSucceeded
    | journal.NodeFailed
    | journal.NodeRetryScheduled
    | journal.FormOpened
    | journal.FormClosed
    | journal.RunParked
    | journal.RunResumed
    | journal.GenerationStarted
    | journal.TextCommitted
    | journal.TextReplaced
    | journal.RunFinished
)

PUBLIC_EVENTS: Final = (
    journal.RunStarted,
    journal.NodeStarted,
    journal.ContainerStarted,
    journal.FrameStarted,
    journal.NodeSucceeded,
    journal.NodeFailed,
    journal.NodeRetryScheduled,
    journal.FormOpened,
    journal.FormClosed,
    journal.RunParked,
    journal.RunResumed,
    journal.GenerationStarted,
    journal.TextCommitted,
    journal.TextReplaced,
    journal.RunFinished,
)
"""The kinds of journal events that a public event is made of; the others stay internal."""
