"""The file in which an operator finds the first keys."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict


class FirstKeys(BaseModel):
    """What the file holds, in the clear."""

    model_config = ConfigDict(frozen=True)

    workspace_api_key: str
    admin_token: str


class CredentialsFile(Protocol):
    async def read(self) -> FirstKeys | None:
        """The keys, None when there is no readable file."""
        ...

    async def write(self, keys: FirstKeys) -> None:
        """Replace the file; only its owner may read it."""
        ...
