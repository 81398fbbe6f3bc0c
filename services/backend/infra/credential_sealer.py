"""The master key at work. The port: services.backend.app.ports.credential_sealer."""

import hashlib
import hmac
import json
from uuid import UUID

from pydantic import SecretStr

from libs.common.sealed_box import SealedBox


class MasterKeySealer:
    """`master_key` as in the settings: base64, several separated by commas, the first in use."""

    def __init__(self, master_key: SecretStr) -> None:
        self._box = SealedBox(master_key)
        # Keys of their own, so that derived numbers say nothing about the ones that seal.
        self._derivations = [
            hmac.digest(key.strip().encode(), b"heddle/backend/derived", "sha256")
            for key in master_key.get_secret_value().split(",")
        ]

    def seal(self, tenant_id: UUID, provider: str, secret: str) -> bytes:
        values = json.dumps({"api_key": secret}).encode()
        return self._box.seal(values, tenant_id=tenant_id, purpose=f"provider:{provider}")

    def seal_value(self, tenant_id: UUID, purpose: str, value: bytes) -> bytes:
        return self._box.seal(value, tenant_id=tenant_id, purpose=purpose)

    def open_value(self, tenant_id: UUID, purpose: str, sealed: bytes) -> bytes:
        return self._box.open(sealed, tenant_id=tenant_id, purpose=purpose)

    def knows(self, sealed: bytes) -> bool:
        return self._box.knows(sealed)

    def derived_number(self, purpose: str) -> int:
        return self.derived_numbers(purpose)[0]

    def derived_numbers(self, purpose: str) -> tuple[int, ...]:
        return tuple(
            int.from_bytes(hmac.digest(key, purpose.encode(), hashlib.sha256), "big")
            for key in self._derivations
        )
