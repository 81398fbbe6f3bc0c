"""Secret environment values by reference: sealed by the backend, opened where a run is driven."""

import json
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class SecretReference(_Frozen):
    """A secret of an app; its value under a version never changes."""

    name: str
    version: int


class SecretsQuery(_Frozen):
    """The values of an app's secrets."""

    tenant_id: UUID
    app_id: UUID
    wanted: tuple[SecretReference, ...]


class SealedSecret(_Frozen):
    """`sealed` is the AES-GCM box (see libs.common.sealed_box) of the value as JSON, bound to the
    tenant and `secret_purpose`."""

    name: str
    version: int
    sealed: bytes


class SealedSecrets(_Frozen):
    """Those that are stored; the others are gone."""

    found: tuple[SealedSecret, ...] = ()


def secret_purpose(app_id: UUID, name: str, version: int) -> str:
    """What a value's box is bound to beside its tenant. A name may hold anything."""
    return json.dumps(["environment", str(app_id), name, version])


def secret_text(value: JsonValue) -> bytes:
    """A value as its box holds it."""
    return json.dumps(value).encode()
