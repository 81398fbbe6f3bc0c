"""An app that takes files, and uploads to it."""

import textwrap
from typing import Any

import httpx

from tests.integration.backend.conftest import House, bearer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def file_app(mode: str = "advanced-chat") -> str:
    """A start node with a document and at most two images; the feature takes images alone."""
    return textwrap.dedent(f"""\
        app:
          name: Files
          mode: {mode}
        kind: app
        version: 0.3.1
        workflow:
          features:
            file_upload:
              enabled: true
              allowed_file_types: [image]
              allowed_file_upload_methods: [local_file, remote_url]
              number_limits: 2
          graph:
            edges:
            - {{id: e1, source: start, target: llm}}
            nodes:
            - id: start
              data:
                type: start
                title: Start
                variables:
                - {{variable: doc, type: file, label: D, required: false,
                   allowed_file_types: [document, custom], allowed_file_extensions: [.JSON],
                   allowed_file_upload_methods: [local_file]}}
                - {{variable: images, type: file-list, label: I, required: false, max_length: 2,
                   allowed_file_types: [image]}}
            - id: llm
              data: {{type: llm, title: LLM}}
        """)


async def sent(
    house: House,
    key: str,
    name: str,
    content: bytes,
    *,
    mime_type: str = "text/plain",
    user: str = "ada",
) -> httpx.Response:
    """POST /v1/files/upload."""
    return await house.http.post(
        "/v1/files/upload",
        files={"file": (name, content, mime_type)},
        data={"user": user},
        headers=bearer(key),
    )


async def uploaded(house: House, key: str, name: str, content: bytes, **more: str) -> str:
    """The file's id."""
    answer = await sent(house, key, name, content, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def local(file_id: str, kind: str = "document") -> dict[str, Any]:
    return {"type": kind, "transfer_method": "local_file", "upload_file_id": file_id}


def remote(url: str, kind: str = "image") -> dict[str, Any]:
    return {"type": kind, "transfer_method": "remote_url", "url": url}
