"""An outgoing HTTP request as it crosses the wall between engine and plugin."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.document_text import FileSource


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FormField(_Frozen):
    name: str
    value: str


class FormFile(_Frozen):
    """A file of a multipart form; `content_type` "" where nobody knows."""

    name: str
    source: FileSource
    filename: str = ""
    content_type: str = ""


class NoBody(_Frozen):
    kind: Literal["none"] = "none"


class RawBody(_Frozen):
    """Sent as it is, UTF-8, under `content_type` unless a header names one."""

    kind: Literal["raw"] = "raw"
    content: str
    content_type: str | None = None


class FormBody(_Frozen):
    """`multipart` True sends multipart/form-data, its `files` behind its `fields`; else
    application/x-www-form-urlencoded, which has no files."""

    kind: Literal["form"] = "form"
    fields: tuple[FormField, ...] = ()
    multipart: bool = False
    files: tuple[FormFile, ...] = ()


class FileBody(_Frozen):
    """The bytes of a file, under `content_type` unless a header names one."""

    kind: Literal["file"] = "file"
    source: FileSource
    content_type: str = ""


Body = Annotated[NoBody | RawBody | FormBody | FileBody, Field(discriminator="kind")]


class HttpCall(_Frozen):
    """`headers` and `params` keep order and duplicates. Times in seconds; sizes in bytes."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    body: Body = NoBody()
    connect_seconds: float = 10.0
    read_seconds: float = 600.0
    write_seconds: float = 600.0
    max_bytes: int = 10 * 1024 * 1024
    follow_redirects: bool = True
    verify_tls: bool = True


class HttpResult(_Frozen):
    """`text` is the decoded body; "" and `is_file` True where the answer is a file, which then
    lies in the object store under `object_key`, and for clients at `file_url` ("" without an
    address of the backend). Header names are lower-case; repeated ones are joined by a comma."""

    status_code: int
    headers: dict[str, str] = {}
    text: str = ""
    is_file: bool = False
    content_type: str = ""
    size: int = 0
    object_key: str | None = None
    filename: str | None = None
    file_url: str = ""
    url: str = ""
