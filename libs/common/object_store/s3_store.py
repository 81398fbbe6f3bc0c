"""Objects in an S3 bucket, through boto3 off the event loop."""

from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from libs.common.errors import Unavailable
from libs.common.object_store.object_keys import checked_key, checked_prefix, missing
from libs.common.object_store.s3_upload import PART_BYTES, PartUpload
from libs.common.object_store.store import STREAM_BYTES, ObjectInfo
from libs.common.object_store.worker_threads import WorkerThreads

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

_THREADS = 16


class ObjectStoreAway(Unavailable):
    """The object store does not answer, or refuses our account."""

    code = "object_store_away"
    title = "The object store is away"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """`endpoint` None: Amazon's own. Keys None: taken from the environment as boto3 does.

    `prefix` stands before every key. Seconds: `connect_timeout`, `read_timeout`.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: SecretStr | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 60.0


class S3Store:
    """Works with S3-speaking servers in general: path addressing, signature version 4."""

    def __init__(self, options: S3Options) -> None:
        self._bucket = options.bucket
        self._prefix = f"{options.prefix.strip('/')}/" if options.prefix.strip("/") else ""
        self._client = _client(options)
        self._threads = WorkerThreads("s3", threads=_THREADS)

    async def put(self, key: str, body: bytes) -> None:
        await self._threads.run(self._put, self._name(key), body)

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> int:
        name, size, rest = self._name(key), 0, bytearray()
        upload: PartUpload | None = None
        try:
            async for chunk in chunks:
                size += len(chunk)
                rest += chunk
                if len(rest) >= PART_BYTES:
                    upload = upload or await self._threads.run(self._begin, name)
                    await self._threads.run(self._add, upload, bytes(rest))
                    rest.clear()
            if upload is None:
                await self._threads.run(self._put, name, bytes(rest))
            else:
                await self._threads.run(self._complete, upload, bytes(rest))
        except BaseException:
            if upload is not None:
                # Also where the task was cancelled; nobody waits for it.
                self._threads.start(self._abort, upload)
            raise
        return size

    async def get(self, key: str) -> bytes:
        found = await self._threads.run(self._get, self._name(key))
        if found is None:
            raise missing(key)
        return found

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        body = await self._threads.run(self._open, self._name(key))
        if body is None:
            raise missing(key)
        try:
            while chunk := await self._threads.run(_read, body):
                yield chunk
        finally:
            body.close()

    async def delete(self, key: str) -> None:
        await self._threads.run(self._delete, self._name(key))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        name, token, last = self._prefix + checked_prefix(prefix), "", ""
        while True:
            page = await self._threads.run(self._page, name, token)
            for item in page.get("Contents", []):
                if "Key" in item and "Size" in item and "LastModified" in item:
                    # Keys come in order. A server that keeps files may list one twice while
                    # writers race for it.
                    if item["Key"] == last:
                        continue
                    last = item["Key"]
                    yield ObjectInfo(
                        key=item["Key"].removeprefix(self._prefix),
                        size=item["Size"],
                        modified=item["LastModified"].astimezone(UTC),
                    )
            token = page.get("NextContinuationToken", "")
            if not token:
                return

    async def aclose(self) -> None:
        """Let go of the threads and connections."""
        self._threads.close()
        self._client.close()

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _put(self, name: str, body: bytes) -> None:
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=name, Body=body)

    def _get(self, name: str) -> bytes | None:
        with _translated():
            try:
                return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def _begin(self, name: str) -> PartUpload:
        with _translated():
            return PartUpload.begun(self._client, self._bucket, name)

    def _add(self, upload: PartUpload, part: bytes) -> None:
        with _translated():
            upload.add(part)

    def _complete(self, upload: PartUpload, last: bytes) -> None:
        with _translated():
            upload.complete(last)

    def _abort(self, upload: PartUpload) -> None:
        # What is left of an upload that nobody ended is the bucket's to collect.
        with suppress(BotoCoreError, ClientError):
            upload.abort()

    def _open(self, name: str) -> "StreamingBody | None":
        with _translated():
            try:
                return self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
            except self._client.exceptions.NoSuchKey:
                return None

    def _delete(self, name: str) -> None:
        with _translated():
            try:
                self._client.delete_object(Bucket=self._bucket, Key=name)
            except self._client.exceptions.NoSuchKey:
                return

    def _page(self, name: str, token: str) -> "ListObjectsV2OutputTypeDef":
        with _translated():
            if token:
                return self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=name, ContinuationToken=token
                )
            return self._client.list_objects_v2(Bucket=self._bucket, Prefix=name)


def _client(options: S3Options) -> "S3Client":
    secret = options.secret_key
    # Its overloads name every service of Amazon's; only the stubs of S3 are installed.
    return boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "s3",
        endpoint_url=options.endpoint,
        region_name=options.region,
        aws_access_key_id=options.access_key,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # Servers other than Amazon's fail on the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            max_pool_connections=_THREADS,
            retries={"mode": "standard", "max_attempts": 3},
        ),
    )


def _read(body: "StreamingBody") -> bytes:
    with _translated():
        return body.read(STREAM_BYTES)


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise ObjectStoreAway(f"The object store failed: {type(error).__name__}.") from error
