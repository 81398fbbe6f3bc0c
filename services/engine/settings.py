"""What the engine reads from its environment."""

from typing import Literal

from pydantic import Field

from libs.common.service_settings import ServiceSettings
from services.engine.domain.variables.sizes import VARIABLE_BYTES


class EngineSettings(ServiceSettings):
    """Each name carries the prefix `HEDDLE_ENGINE_`, so that it cannot meet another service's."""

    port: int = Field(8703, validation_alias="HEDDLE_ENGINE_PORT")
    """The HTTP port; 0 takes a free one."""
    capacity: int = Field(500, gt=0, validation_alias="HEDDLE_ENGINE_CAPACITY")
    """Runs that this process drives at once, of them at most three quarters of one tenant; more
    stay queued."""
    group_limit: int | None = Field(None, gt=0, validation_alias="HEDDLE_ENGINE_GROUP_LIMIT")
    """Running runs of one app of one tenant, over all workers. None: no limit."""
    lease_seconds: float = Field(10.0, gt=0, validation_alias="HEDDLE_ENGINE_LEASE_SECONDS")
    """Seconds until a silent worker's runs are taken over. It beats three times in that."""
    sweep_seconds: float = Field(2.0, gt=0, validation_alias="HEDDLE_ENGINE_SWEEP_SECONDS")
    """Seconds between looks for what wake-ups missed."""
    shutdown_seconds: float = Field(2.0, ge=0, validation_alias="HEDDLE_ENGINE_SHUTDOWN_SECONDS")
    """Seconds that a shutdown leaves running runs to end before it hands them back."""
    quarantine_after: int = Field(5, gt=0, validation_alias="HEDDLE_ENGINE_QUARANTINE_AFTER")
    """Workers that may die with a run, without progress between, before it is set aside."""
    isolate_after: int = Field(2, gt=0, validation_alias="HEDDLE_ENGINE_ISOLATE_AFTER")
    """Workers that may die with a run, without progress between, before it gets a process of its
    own."""
    isolated: int = Field(4, gt=0, validation_alias="HEDDLE_ENGINE_ISOLATED")
    """Such processes side by side; more of these runs wait."""
    variable_bytes: int = Field(
        VARIABLE_BYTES, gt=0, validation_alias="HEDDLE_ENGINE_VARIABLE_BYTES"
    )
    """Bytes that one variable of a conversation or the environment may have: a text's in UTF-8,
    anything else's as JSON."""
    run_log: Literal["off", "events", "values"] = Field(
        "off", validation_alias="HEDDLE_ENGINE_RUN_LOG"
    )
    """A line of log for every event of every run that this process drives: `events` tells what
    happened where and when, `values` also with what, up to 2,000 characters of each value, with
    the run's secrets masked. What users wrote then stands in the log."""
    history_months: int | None = Field(None, gt=0, validation_alias="HEDDLE_ENGINE_HISTORY_MONTHS")
    """Whole months before the present one whose runs can be looked back on; what happened in older
    ones is deleted once all of a month have ended. None: kept for ever."""
    command_channel: Literal["nats", "redis"] = Field(
        "nats", validation_alias="HEDDLE_ENGINE_COMMAND_CHANNEL"
    )
    """What wakes the owner of a run that was sent a command. A wake-up that is lost costs a sweep;
    `redis` without `HEDDLE_REDIS_URL` is `nats`."""
    database_connections: int = Field(
        10, ge=3, validation_alias="HEDDLE_ENGINE_DATABASE_CONNECTIONS"
    )
    """Connections to Postgres as heddle_app; two more are the sweeper's."""
