"""What inference reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from libs.common.service_settings import ServiceSettings

PROVIDERS = Path(__file__).parent / "providers"


class InferenceSettings(ServiceSettings):
    port: int = Field(default=8701, validation_alias="HEDDLE_INFERENCE_PORT")
    """The HTTP port; 0 takes a free one."""
    providers_dir: Path = Field(
        default=PROVIDERS, validation_alias="HEDDLE_INFERENCE_PROVIDERS_DIR"
    )
    """The folder of provider sheets."""
    upstream_connections: int = Field(
        default=1000, gt=0, validation_alias="HEDDLE_INFERENCE_UPSTREAM_CONNECTIONS"
    )
    """Connections to providers at most, all providers together."""
    http_key: SecretStr | None = Field(default=None, validation_alias="HEDDLE_INFERENCE_HTTP_KEY")
    """What callers of this service's own /v1 must show. None: open, for models that need no
    credential."""
