"""What plugin reads from its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from libs.common.service_settings import ServiceSettings

BUNDLES = Path(__file__).parent / "bundles"


class PluginSettings(ServiceSettings):
    port: int = Field(default=8702, validation_alias="HEDDLE_PLUGIN_PORT")
    """The HTTP port; 0 takes a free one."""
    backend_url: str | None = Field(default=None, validation_alias="HEDDLE_PLUGIN_BACKEND_URL")
    """What links to files that nodes store begin with where `HEDDLE_PUBLIC_URL` is not set; the
    local stack sets it. None: without that, such files have no links."""
    bundles_dir: Path = Field(default=BUNDLES, validation_alias="HEDDLE_PLUGIN_BUNDLES_DIR")
    """The folder of built-in bundles."""
    sandbox_minimum: Literal["bwrap", "landlock"] = Field(
        default="landlock", validation_alias="HEDDLE_PLUGIN_SANDBOX_MINIMUM"
    )
    """The weakest isolation that code may run under; below it the service refuses to start."""
    sandbox_cache_dir: Path = Field(
        default=Path("/var/cache/heddle"), validation_alias="HEDDLE_PLUGIN_SANDBOX_CACHE_DIR"
    )
    """Where the sandbox keeps its interpreter, readable by everyone."""
