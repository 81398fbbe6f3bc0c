"""Secret environment values of apps: stored sealed, served by reference, never shown."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.environment_secrets import (
    SealedSecret,
    SealedSecrets,
    SecretReference,
    SecretsQuery,
    secret_purpose,
    secret_text,
)
from libs.common.errors import Conflict, NotFound
from services.backend.app.ports.app_repository import AppRepository
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.environment_secret_repository import EnvironmentSecretRepository
from services.backend.domain.apps.environment_secrets import (
    StoredSecret,
    with_versions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSecrets:
    apps: AppRepository
    secrets: EnvironmentSecretRepository
    sealer: CredentialSealer

    def sealed(
        self, tenant_id: UUID, app_id: UUID, name: str, version: int, value: JsonValue
    ) -> StoredSecret:
        """The value as it is stored."""
        purpose = secret_purpose(app_id, name, version)
        box = self.sealer.seal_value(tenant_id, purpose, secret_text(value))
        return StoredSecret(name=name, version=version, sealed=box)

    async def change(self, tenant_id: UUID, app_id: UUID, name: str, value: str) -> int:
        """Give the draft's secret variable another value; the version it has then.

        The same value keeps its version. Published versions keep theirs: publish to run with the
        new one. Raises NotFound without such an app or variable, and Conflict when somebody else
        changed it at the same moment.
        """
        draft = await self.apps.draft(tenant_id, app_id)
        if draft is None:
            raise NotFound("There is no such app.")
        current = draft.secret_version(name)
        if current is None:
            raise NotFound("The draft has no secret environment variable of this name.")
        if await self.is_value(tenant_id, app_id, name, current, value):
            return current
        version = await self.next_version(tenant_id, app_id, name)
        stored = self.sealed(tenant_id, app_id, name, version, value)
        changed = replace(
            draft,
            definition=with_versions(draft.definition, {name: version}),
            revision=draft.revision + 1,
        )
        if not await self.secrets.add(tenant_id, stored, changed):
            raise Conflict("The variable was changed at the same moment; look and try again.")
        return version

    async def serve(self, query: SecretsQuery) -> SealedSecrets:
        """What the engine is given."""
        stored = await self.secrets.find(query.tenant_id, query.app_id, query.wanted)
        return SealedSecrets(
            found=tuple(
                SealedSecret(name=each.name, version=each.version, sealed=each.sealed)
                for each in stored
            )
        )

    async def next_version(self, tenant_id: UUID, app_id: UUID, name: str) -> int:
        """What another value's version would be."""
        return 1 + await self.secrets.newest_version(tenant_id, app_id, name)

    async def is_value(
        self, tenant_id: UUID, app_id: UUID, name: str, version: int, value: JsonValue
    ) -> bool:
        """Whether `value` is what that version stands for."""
        wanted = (SecretReference(name=name, version=version),)
        for stored in await self.secrets.find(tenant_id, app_id, wanted):
            purpose = secret_purpose(app_id, name, version)
            opened = self.sealer.open_value(tenant_id, purpose, stored.sealed)
            return json.loads(opened) == value
        return False
