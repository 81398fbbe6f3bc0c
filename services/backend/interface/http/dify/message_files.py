"""The files of a message on Dify's wire."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid5

from pydantic import JsonValue

from services.backend.domain.conversations.records import Message


def message_files(
    message: Message, file_url: Callable[[UUID], str]
) -> Iterator[dict[str, JsonValue]]:
    """Those that came with the query, with addresses that hold from now on."""
    for place, file in enumerate(message.files):
        method = file.get("transfer_method")
        named = file.get("related_id")
        upload = named if isinstance(named, str) and method == "local_file" else None
        yield {
            "id": str(uuid5(message.message_id, str(place))),
            "filename": file.get("filename"),
            "type": file.get("type"),
            "url": file_url(UUID(upload)) if upload else file.get("url"),
            "mime_type": file.get("mime_type"),
            "size": file.get("size"),
            "transfer_method": method,
            "belongs_to": "user",
            "upload_file_id": upload,
        }
