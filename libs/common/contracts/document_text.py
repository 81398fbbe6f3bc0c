"""The text of a document as it crosses the wall between engine and plugin."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RemoteFile(_Frozen):
    """A file that is fetched from where it lies, under the rules for outgoing requests."""

    kind: Literal["remote"] = "remote"
    url: str


class StoredFile(_Frozen):
    """A file in the object store; its key is `<folder>/<tenant>/...`."""

    kind: Literal["stored"] = "stored"
    object_key: str


FileSource = Annotated[RemoteFile | StoredFile, Field(discriminator="kind")]


class DocumentCall(_Frozen):
    """`filename` and `mime_type` tell the format, "" where nobody knows."""

    source: FileSource
    filename: str = ""
    mime_type: str = ""


class DocumentText(_Frozen):
    """`format` is what the file was read as; `size` is the file's, in bytes."""

    text: str
    format: str
    size: int
