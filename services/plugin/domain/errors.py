"""What can go wrong when a tool is called."""

from libs.common.errors import CallerError, InvalidInput, NotFound, PlatformFault


class ToolUnknown(NotFound):
    code = "tool_unknown"
    title = "No such tool"


class ToolInputInvalid(InvalidInput):
    code = "tool_input_invalid"
    title = "The arguments do not fit the tool's schema"


class ToolFailed(CallerError):
    code = "tool_failed"
    status = 422
    title = "The tool could not do what was asked"


class ToolBroken(PlatformFault):
    code = "tool_broken"
    status = 502
    title = "The tool itself is faulty"
    retryable = False


class BundleInvalid(PlatformFault):
    code = "bundle_invalid"
    title = "A bundle's files are wrong"


class TextTooLarge(CallerError):
    code = "text_too_large"
    status = 413
    title = "The answer's text does not fit a variable"
