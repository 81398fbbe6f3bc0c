"""Refuse to work with a master key that is not the one in use."""

from uuid import UUID

from libs.common.errors import PlatformFault
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.sealed_samples import SealedSamples

_PURPOSE = "master key sample"


class MasterKeyWrong(PlatformFault):
    code = "master_key_wrong"
    title = "The master key opens nothing that is stored"
    retryable = False


async def check_master_key(samples: SealedSamples, sealer: CredentialSealer) -> None:
    """Raises MasterKeyWrong when secrets are stored and none of them can be opened.

    One that can is enough: a lost key must not keep the others from being used.
    """
    sealed = await samples.some()
    if sealed and not any(map(sealer.knows, sealed)):
        raise MasterKeyWrong(
            "HEDDLE_MASTER_KEY (master.key in the state folder where it is not set) is not the key "
            "that this platform's secrets were sealed with. Give that key, or a new one and that "
            "one, separated by a comma."
        )


async def remember_master_key(
    samples: SealedSamples, sealer: CredentialSealer, tenant_id: UUID
) -> None:
    """Leave something that the first of the master keys has sealed, so that the check knows it
    before any secret is stored."""
    await samples.keep(tenant_id, sealer.seal_value(tenant_id, _PURPOSE, b""))
