"""Iterations and loops on Dify's wire: events of their own instead of those of nodes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.common.contracts.run_events import (
    CommittedEvent,
    ContainerStarted,
    NodeFinished,
    NodeStarted,
    RoundStarted,
)
from services.backend.domain.runs.resume_point import ResumePoint
from services.backend.domain.runs.run_joiner import Happened
from services.backend.interface.http.dify.node_payloads import (
    container_finished_data,
    container_started_data,
    node_finished_data,
    round_started_data,
)

ID = UUID("00000000-0000-7000-8000-000000000003")
