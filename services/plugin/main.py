"""Starts plugin: `python -m services.plugin.main`; `--check` only checks the bundles."""

import sys

from libs.common.service_host import run_service
from services.plugin.bootstrap import build
from services.plugin.domain.errors import BundleInvalid
from services.plugin.infra.tools.bundle_tools import BundleTools
from services.plugin.settings import BUNDLES, PluginSettings


def main() -> int:
    """The process' exit code."""
    if "--check" in sys.argv[1:]:
        return _check()
    # pyright cannot see that the environment fills the required fields.
    settings = PluginSettings()  # pyright: ignore[reportCallIssue]
    run_service("plugin", settings, settings.port, lambda lifespan: build(settings, lifespan))
    return 0


def _check() -> int:
    try:
        tools = BundleTools(BUNDLES).all()
    except BundleInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        return 1
    sys.stdout.write(f"{len(tools)} tools: ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
