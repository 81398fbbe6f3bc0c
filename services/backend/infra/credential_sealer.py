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
        current = master_key.get_secret_value().partition(",")[0].strip().encode()
        # A key of its own, so that derived numbers say nothing about the one that seals.
        self._derivation = hmac.digest(current, b"heddle/backend/derived", "sha256")

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
        digest = hmac.new(self._derivation, purpose.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest, "big")
