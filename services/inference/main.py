"""Starts inference: `python -m services.inference.main`; `--check` only checks the sheets."""

import sys

from libs.common.service_host import run_service
from services.inference.bootstrap import build
from services.inference.infra.sheets.yaml_sheets import SheetsInvalid, load_catalogue
from services.inference.settings import PROVIDERS, InferenceSettings


def main() -> int:
    """The process' exit code."""
    if "--check" in sys.argv[1:]:
        return _check()
    # pyright cannot see that the environment fills the required fields.
    settings = InferenceSettings()  # pyright: ignore[reportCallIssue]
    run_service("inference", settings, settings.port, lambda lifespan: build(settings, lifespan))
    return 0


def _check() -> int:
    try:
        catalogue = load_catalogue(PROVIDERS)
    except SheetsInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        return 1
    sys.stdout.write(f"{len(catalogue.vendors)} providers, {len(catalogue.names())} models: ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
