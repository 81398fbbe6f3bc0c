"""From the URL in the settings to an object store."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

from libs.common.errors import PlatformFault
from libs.common.object_store.filesystem_store import FilesystemStore

if TYPE_CHECKING:
    from libs.common.object_store.s3_store import S3Store


class ObjectStoreUrlRefused(PlatformFault):
    """HEDDLE_OBJECT_STORE_URL names no kind of store that exists."""

    code = "object_store_url"
    title = "The object store's URL cannot be used"
    retryable = False


def open_object_store(url: str) -> "FilesystemStore | S3Store":
    """`file:///folder`, or `s3://[key:secret@]bucket[/prefix][?endpoint=URL&region=NAME]`.

    Without a key in the URL the account comes from the environment, as boto3 looks for it. Nothing
    is contacted yet. Raises ObjectStoreUrlRefused.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FilesystemStore(Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.hostname:
        raise ObjectStoreUrlRefused("The object store's URL begins with file:/// or s3://bucket.")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := sorted(set(query) - {"endpoint", "region"}):
        raise ObjectStoreUrlRefused(f"The object store's URL has unknown options: {unknown}.")
    # boto3 alone is a sixth of what a service imports, and a file:// store never needs it.
    from libs.common.object_store.s3_store import S3Options, S3Store  # noqa: PLC0415

    return S3Store(
        S3Options(
            bucket=parts.netloc.rpartition("@")[2],
            prefix=unquote(parts.path),
            endpoint=query.get("endpoint"),
            region=query.get("region", "us-east-1"),
            access_key=unquote(parts.username) if parts.username else None,
            secret_key=SecretStr(unquote(parts.password)) if parts.password else None,
        )
    )
