"""What can go wrong when a document is read."""

from libs.common.errors import CallerError, UpstreamError


class FileUnsupported(CallerError):
    code = "file_unsupported"
    status = 415
    title = "No reader for such a file"


class FileUnreadable(CallerError):
    code = "file_unreadable"
    status = 422
    title = "The file is damaged, or is not what it says it is"


class FileNotServed(UpstreamError):
    code = "file_not_served"
    title = "The file's host did not give it"
