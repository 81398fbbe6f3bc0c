"""YAML documents as JSON. The port: services.backend.app.ports.document_reader."""

import asyncio
from collections.abc import Collection

from pydantic import JsonValue

from services.backend.app.ports.document_reader import ReadDocument
from services.backend.infra.yaml.blanking import Place, blanked
from services.backend.infra.yaml.compose import build


class YamlDocumentReader:
    async def read(self, source: bytes) -> ReadDocument:
        # Parsing 10 MB takes seconds, and no request may wait for another one's document.
        return await asyncio.to_thread(read_yaml, source)

    async def blanked(self, source: bytes, document: JsonValue, places: Collection[Place]) -> bytes:
        return await asyncio.to_thread(blanked, source, document, places)


def read_yaml(source: bytes) -> ReadDocument:
    """The document. Raises DslInvalid."""
    built = build(source)
    return ReadDocument(value=built.root, positions=built.positions)
