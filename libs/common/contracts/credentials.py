"""Credentials by reference: stored sealed by the backend, opened only where the call is made."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class CredentialQuery(BaseModel):
    """The credential of `provider` for a tenant."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    provider: str


class SealedCredential(BaseModel):
    """`found` False: none stored. `sealed` is the AES-GCM box (see libs.common.sealed_box),
    bound to tenant and provider; `revision` rises with every change."""

    model_config = ConfigDict(frozen=True)

    found: bool
    sealed: bytes = b""
    base_url: str | None = None
    revision: int = 0


class CredentialChanged(BaseModel):
    """What was told of the tenant's credential for `provider` before is no longer true."""

    model_config = ConfigDict(frozen=True)

    tenant_id: UUID
    provider: str
