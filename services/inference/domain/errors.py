"""What can go wrong at the door of the models."""

from libs.common.errors import CallerError, InvalidInput, NotFound, UpstreamError


class ModelUnknown(NotFound):
    code = "model_unknown"
    title = "No such model"


class ParameterRefused(InvalidInput):
    code = "parameter_refused"
    title = "A parameter is outside the model's limits"


class CapabilityMissing(InvalidInput):
    code = "capability_missing"
    title = "The model cannot do that"


class CredentialMissing(CallerError):
    code = "credential_missing"
    title = "The provider has no credential yet"


class ProviderFailed(UpstreamError):
    code = "provider_failed"
    title = "The model's provider failed or refused"


class ProviderStreamBroken(UpstreamError):
    code = "provider_stream_broken"
    title = "The provider's stream ended early or made no sense"
