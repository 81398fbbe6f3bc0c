"""What the backend reads from its environment."""

from pydantic import Field

from libs.common.service_settings import ServiceSettings


class BackendSettings(ServiceSettings):
    port: int = Field(default=8700, validation_alias="HEDDLE_BACKEND_PORT")
    """The HTTP port; 0 takes a free one."""
    run_seconds: float = Field(default=1260, gt=0, validation_alias="HEDDLE_BACKEND_RUN_SECONDS")
    """Seconds that a blocking answer waits for its run, and that a stream may stay silent. The
    default is a run's own limit and a minute."""
    chat_seconds: float = Field(default=600, gt=0, validation_alias="HEDDLE_BACKEND_CHAT_SECONDS")
    """Seconds for one completion through /v1/chat/completions."""
    database_connections: int = Field(
        default=16, ge=2, validation_alias="HEDDLE_BACKEND_DATABASE_CONNECTIONS"
    )
    """Connections to Postgres at most."""
