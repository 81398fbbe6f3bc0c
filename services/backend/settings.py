"""What the backend reads from its environment."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from libs.common.service_settings import ServiceSettings


class BackendSettings(ServiceSettings):
    port: int = Field(default=8700, validation_alias="HEDDLE_BACKEND_PORT")
    """The HTTP port; 0 takes a free one."""
    run_seconds: float = Field(default=1260, gt=0, validation_alias="HEDDLE_BACKEND_RUN_SECONDS")
    """Seconds that a blocking answer waits for its run, and that a stream may stay silent. The
    default is a run's own limit and a minute."""
    run_max_steps: int = Field(default=500, gt=0, validation_alias="HEDDLE_BACKEND_RUN_MAX_STEPS")
    """Node executions that one run may make. A workflow and a caller may only narrow it."""
    run_max_seconds: float = Field(
        default=1200, gt=0, validation_alias="HEDDLE_BACKEND_RUN_MAX_SECONDS"
    )
    """Seconds that one run may last, those not counted in which it waits for people or is paused. A
    workflow and a caller may only narrow it."""
    run_max_tokens: int | None = Field(
        default=None, gt=0, validation_alias="HEDDLE_BACKEND_RUN_MAX_TOKENS"
    )
    """Tokens that the model calls of one run may use. A workflow and a caller may only narrow it.
    None: only they bound it."""
    run_max_depth: int = Field(
        default=5, ge=1, le=20, validation_alias="HEDDLE_BACKEND_RUN_MAX_DEPTH"
    )
    """How many runs deep a run may call others. A workflow and a caller may only narrow it."""
    chat_seconds: float = Field(default=600, gt=0, validation_alias="HEDDLE_BACKEND_CHAT_SECONDS")
    """Seconds for one completion through /v1/chat/completions."""
    database_connections: int = Field(
        default=16, ge=2, validation_alias="HEDDLE_BACKEND_DATABASE_CONNECTIONS"
    )
    """Connections to Postgres at most."""
    file_mib: int = Field(default=15, ge=1, validation_alias="HEDDLE_BACKEND_FILE_MIB")
    """MiB of an uploaded document, and of a file of no known kind."""
    image_mib: int = Field(default=10, ge=1, validation_alias="HEDDLE_BACKEND_IMAGE_MIB")
    """MiB of an uploaded image."""
    video_mib: int = Field(default=100, ge=1, validation_alias="HEDDLE_BACKEND_VIDEO_MIB")
    """MiB of an uploaded video."""
    audio_mib: int = Field(default=50, ge=1, validation_alias="HEDDLE_BACKEND_AUDIO_MIB")
    """MiB of an uploaded sound."""
    blocked_extensions: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), validation_alias="HEDDLE_BACKEND_BLOCKED_EXTENSIONS"
    )
    """Extensions, separated by commas, that nobody may upload."""

    @field_validator("blocked_extensions", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            names = (name.strip().lower().lstrip(".") for name in value.split(","))
            return tuple(name for name in names if name)
        return value

    @property
    def reached_at(self) -> str:
        """The base URL of what clients are told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"
