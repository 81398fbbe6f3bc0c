"""An object of unknown size that goes to an S3 bucket part by part."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 8 * 1024 * 1024
"""Of a part; S3 takes none below 5 MiB but the last."""


@dataclass(slots=True, kw_only=True)
class PartUpload:
    """Blocking, and by one caller at a time. The object appears with `complete`."""

    client: "S3Client"
    bucket: str
    name: str
    upload_id: str
    parts: "list[CompletedPartTypeDef]" = field(default_factory=list["CompletedPartTypeDef"])

    @classmethod
    def begun(cls, client: "S3Client", bucket: str, name: str) -> "PartUpload":
        answer = client.create_multipart_upload(Bucket=bucket, Key=name)
        return cls(client=client, bucket=bucket, name=name, upload_id=answer["UploadId"])

    def add(self, part: bytes) -> None:
        number = len(self.parts) + 1
        answer = self.client.upload_part(
            Bucket=self.bucket,
            Key=self.name,
            UploadId=self.upload_id,
            PartNumber=number,
            Body=part,
        )
        self.parts.append({"ETag": answer["ETag"], "PartNumber": number})

    def complete(self, last: bytes) -> None:
        """`last` may be empty."""
        if last:
            self.add(last)
        self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.name,
            UploadId=self.upload_id,
            MultipartUpload={"Parts": self.parts},
        )

    def abort(self) -> None:
        self.client.abort_multipart_upload(
            Bucket=self.bucket, Key=self.name, UploadId=self.upload_id
        )
