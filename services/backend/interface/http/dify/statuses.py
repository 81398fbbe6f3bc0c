"""Run statuses as Dify's wire knows them."""

from libs.common.contracts.run_commands import RunStatus

_SHOWN = {
    "queued": "running",
    "parked": "paused",
    "quarantined": "paused",
    "incompatible": "paused",
}


def shown_status(status: RunStatus) -> str:
    return _SHOWN.get(status, status)
