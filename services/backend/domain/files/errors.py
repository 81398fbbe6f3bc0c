"""What is wrong with a file that a client sends or asks for."""

from libs.common.errors import CallerError, InvalidInput, NotFound, PayloadTooLarge


class NoFileUploaded(InvalidInput):
    code = "no_file_uploaded"
    title = "No file was sent"


class TooManyFiles(InvalidInput):
    code = "too_many_files"
    title = "More than one file was sent"


class FilenameNotExists(InvalidInput):
    code = "filename_not_exists"
    title = "The file has no name"


class FileExtensionBlocked(InvalidInput):
    code = "file_extension_blocked"
    title = "Files of this extension are not taken"


class FileTooLarge(PayloadTooLarge):
    """The file is above the limit of its kind; nothing of it was kept."""

    code = "file_too_large"
    title = "The file is too large"


class UnsupportedFileType(CallerError):
    """Neither the client nor the name says what the file is."""

    code = "unsupported_file_type"
    status = 415
    title = "A file of no known type"


class FileUnknown(NotFound):
    """There is no such file, or not for this key; or a link to it does not hold any more."""

    code = "file_not_found"
    title = "No such file"
