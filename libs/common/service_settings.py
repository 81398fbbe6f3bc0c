"""What every service reads from its environment.

A service's settings.py subclasses `ServiceSettings` and adds its own:

    class EngineSettings(ServiceSettings):
        port: int = Field(8703, validation_alias="HEDDLE_ENGINE_PORT")
"""

import base64
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Environment variables with the prefix `HEDDLE_`; frozen once read.

    URLs hold passwords, so none of them shows in a repr.
    """

    model_config = SettingsConfigDict(
        env_prefix="HEDDLE_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    database_url: str = Field(repr=False)
    """`postgresql://user:password@host:port/database` of the role heddle_app."""
    database_sweeper_url: str | None = Field(default=None, repr=False)
    """The same as heddle_sweeper, for background sweeps. Backend and engine refuse to start
    without it; inference and plugin then keep their old records."""
    redis_url: str | None = Field(default=None, repr=False)
    """`redis://...`. None: no middle tier, slower, nothing else changes."""
    nats_url: str = Field(repr=False)
    """`nats://user:password@host:port`, or several, separated by commas."""
    object_store_url: str = Field(repr=False)
    """`file:///folder` or `s3://bucket/prefix?endpoint=...`."""
    master_key: SecretStr
    """32 random bytes as base64: opens sealed credentials and secrets, and what runs with secrets
    have left behind. While a key is being replaced several, separated by commas; the first
    seals."""
    state_dir: Path = Path(".heddle")
    """A folder of this machine. The backend writes the first workspace's keys there, in the clear
    and for its owner only (`credentials.json`), and honours the file as it finds it; a lost one is
    replaced by one with new keys, beside which the old keys stay valid until they are revoked. The
    other services write nothing."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least that is logged: DEBUG, INFO, WARNING or ERROR."""
    host: str = "127.0.0.1"
    """The address that HTTP listens on; 0.0.0.0 in a container."""
    otlp_endpoint: str | None = None
    """The base URL of an OTLP/HTTP collector that gets the spans, such as `http://host:4318`.
    None: no spans; traces are carried on and logged either way."""
    egress_allow: Annotated[tuple[str, ...], NoDecode] = ()
    """`host:port` entries, separated by commas, that guarded HTTP may reach although their
    addresses are private."""
    egress_overrides: Annotated[tuple[str, ...], NoDecode] = ()
    """`host:port=address:port` entries, separated by commas: names that guarded HTTP connects to
    a fixed place, whatever it resolves to. For tests and split horizons."""
    public_url: str | None = None
    """Where people reach the backend, such as `https://heddle.example.com`: what links to files
    and those in mails and webhooks begin with. None: uploads have links with the address and port
    that the backend listens on, webhooks carry paths, and no mail is sent."""
    file_link_seconds: float = Field(default=604_800, gt=0)
    """Seconds that a link to a file holds at least; it ends with a day (UTC)."""
    smtp_url: SecretStr | None = None
    """`smtp://user:password@host:port`, or `smtps://` for TLS from the first byte. With a user name
    STARTTLS is required, without one it is used where the server offers it. None: nobody is told
    of forms by mail. Needs `HEDDLE_SMTP_FROM` and `HEDDLE_PUBLIC_URL`. Only the backend mails."""
    smtp_from: str | None = None
    """Who mails come from: `Name <user@domain>` or `user@domain`."""
    max_body_bytes: int = 16 * 1024 * 1024
    """Bytes of an HTTP request's body; above it the answer is 413."""
    drain_seconds: float = 0.0
    """Seconds between reporting not ready and closing the port, for load balancers to notice."""

    @field_validator("egress_allow", "egress_overrides", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(entry.strip() for entry in value.split(",") if entry.strip())
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        odd = parts.query or parts.fragment or parts.username or any(map(str.isspace, value))
        if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
            raise ValueError("HEDDLE_PUBLIC_URL must be http://... or https://... and nothing more")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _mails_are_whole(self) -> Self:
        if self.smtp_url is not None and None in {self.smtp_from, self.public_url}:
            raise ValueError("HEDDLE_SMTP_URL needs HEDDLE_SMTP_FROM and HEDDLE_PUBLIC_URL")
        return self

    @field_validator("master_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        if not all(_is_master_key(key) for key in value.get_secret_value().split(",")):
            # The value itself must not be in the message.
            raise ValueError("HEDDLE_MASTER_KEY must be 32 bytes in base64")
        return value


def _is_master_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.strip(), altchars=b"-_", validate=True)) == 32
    except ValueError:
        return False
