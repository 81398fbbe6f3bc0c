"""What plugin reads from its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from libs.common.service_settings import ServiceSettings

BUNDLES = Path(__file__).parent / "bundles"


class PluginSettings(ServiceSettings):
    port: int = Field(default=8702, validation_alias="HEDDLE_PLUGIN_PORT")
    """The HTTP port; 0 takes a free one."""
    bundles_dir: Path = BUNDLES
    """The folder of built-in bundles."""
    sandbox_minimum: Literal["bwrap", "landlock"] = "landlock"
    """The weakest isolation that code may run under; below it the service refuses to start."""
    sandbox_cache_dir: Path = Path("/var/cache/heddle")
    """Where the sandbox keeps its interpreter, readable by everyone."""
