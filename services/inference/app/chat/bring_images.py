"""Images of a call that lie in the object store, made what providers take."""

import base64
from collections.abc import Sequence

from libs.common.contracts.chat import ChatCall, ChatMessage, Content, ImageContent
from libs.common.contracts.envelope import Envelope
from libs.common.errors import InvalidInput
from libs.common.stored_files import FileTooDemanding, StoredFiles
from services.inference.domain.chat.image_types import image_type

MOST_BYTES = 20 * 1024 * 1024
"""Of the images of one call together."""


def names_images(call: ChatCall) -> bool:
    """Whether something has to be brought at all."""
    return any(_stored(part) for message in call.messages for part in _parts(message))


class BringImages:
    def __init__(self, stored: StoredFiles) -> None:
        self._stored = stored

    async def run(self, call: ChatCall, envelope: Envelope) -> ChatCall:
        """`call` with data URLs instead of references.

        Raises FileMissing, also for another tenant's, FileTooDemanding above 20 MiB together, and
        InvalidInput for what is no image that models take (PNG, JPEG, GIF, WebP).
        """
        left, messages = MOST_BYTES, list[ChatMessage]()
        for message in call.messages:
            parts: list[Content] = []
            for part in _parts(message):
                if isinstance(part, ImageContent) and part.object_key is not None:
                    body = await self._stored.read(
                        part.object_key, envelope=envelope, most_bytes=MOST_BYTES
                    )
                    left -= len(body)
                    if left < 0:
                        raise FileTooDemanding(f"the images have more than {MOST_BYTES} bytes")
                    parts.append(ImageContent(url=_data_url(body), detail=part.detail))
                else:
                    parts.append(part)
            content = message.content if isinstance(message.content, str) else tuple(parts)
            messages.append(message.model_copy(update={"content": content}))
        return call.model_copy(update={"messages": tuple(messages)})


def _parts(message: ChatMessage) -> Sequence[Content]:
    return () if isinstance(message.content, str) else message.content


def _stored(part: Content) -> bool:
    return isinstance(part, ImageContent) and part.object_key is not None


def _data_url(body: bytes) -> str:
    kind = image_type(body)
    if kind is None:
        raise InvalidInput("the file is no image that models take: PNG, JPEG, GIF or WebP")
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"
