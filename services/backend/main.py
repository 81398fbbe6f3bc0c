"""Starts the backend: `python -m services.backend.main`."""

from libs.common.service_host import run_service
from services.backend.bootstrap import build
from services.backend.settings import BackendSettings


def main() -> None:
    # pyright cannot see that the environment fills the required fields.
    settings = BackendSettings()  # pyright: ignore[reportCallIssue]
    run_service("backend", settings, settings.port, lambda lifespan: build(settings, lifespan))


if __name__ == "__main__":
    main()
