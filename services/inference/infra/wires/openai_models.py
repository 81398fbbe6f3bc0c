"""The list of models on OpenAI's wire. The port: services.inference.app.ports.upstream_models."""

import aiohttp
from pydantic import BaseModel, ValidationError

from services.inference.app.ports.chat_wire import OpenedCredential
from services.inference.domain.catalogue.sheets import ProviderSheet
from services.inference.domain.errors import ProviderFailed

_WIRE = "openai_compatible"
_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024
_MOST_NAMES = 1000
_MOST_CHARACTERS = 256


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model] = []


class OpenAiModels:
    """Asks over one pooled session, which its owner closes."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def names(self, provider: ProviderSheet, credential: OpenedCredential) -> tuple[str, ...]:
        base_url = credential.base_url or provider.base_url
        if provider.wire != _WIRE or not base_url:
            return ()
        try:
            async with self._session.get(
                f"{base_url.rstrip('/')}/models",
                headers=_headers(provider, credential),
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise ProviderFailed(f"{provider.id} tells no models: {response.status}")
                body = await _bounded(response, provider.id)
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            # Not its words: they may repeat the address with a password in it.
            raise ProviderFailed(
                f"{provider.id} tells no models: {type(cause).__name__}"
            ) from cause
        return _names(body, provider.id)


async def _bounded(response: aiohttp.ClientResponse, provider: str) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) > _MOST_BYTES:
            raise ProviderFailed(f"{provider} tells more than {_MOST_BYTES} bytes of models")
    return bytes(received)


def _names(body: bytes, provider: str) -> tuple[str, ...]:
    try:
        told = _Models.model_validate_json(body)
    except ValidationError as cause:
        raise ProviderFailed(f"{provider} tells its models in another form") from cause
    fitting = (model.id for model in told.data if 0 < len(model.id) <= _MOST_CHARACTERS)
    return tuple(dict.fromkeys(fitting))[:_MOST_NAMES]


def _headers(provider: ProviderSheet, credential: OpenedCredential) -> dict[str, str]:
    auth, key = provider.auth, credential.values.get("api_key", "")
    if key and auth.style == "bearer":
        return {"Authorization": f"Bearer {key}"}
    if key and auth.style == "header" and auth.header:
        return {auth.header: key}
    return {}
