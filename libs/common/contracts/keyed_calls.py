"""The control messages of keyed calls, shared by inference and plugin."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class AttachCall(BaseModel):
    """Follow a live call at its holder. Sent to the holder's own subject."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    key: str
    claim_number: int


class CancelCall(BaseModel):
    """Stop a live keyed call. Refused when `epoch` is below the highest seen for the run."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    run_id: UUID
    key: str
    epoch: int


class CallCancelled(BaseModel):
    """Whether a live call was found and told to stop. False is no failure: it had ended."""

    model_config = ConfigDict(frozen=True)

    found: bool


class AttachedResult(BaseModel):
    """What a live call ended with, for callers that attached: `payload` is the reply as JSON."""

    model_config = ConfigDict(frozen=True)

    payload: str
