"""The secret environment values of one run, for as long as it is driven or read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.errors import Unavailable
from services.engine.app.errors import SecretMissing
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.variables.secret_mask import SecretMask
from services.engine.domain.variables.values import Value

_START_SECONDS = 20.0
"""How long one claim of a run waits for the backend; then the run is claimed anew and waits on."""

_READ_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSecrets:
    """`mask` None: the run has none, and is shown as it is. `missing` says why it cannot run,
    `abort` what it is stopped with before anything more of it is executed."""

    values: Mapping[str, Value] = field(default_factory=dict[str, Value], repr=False)
    mask: SecretMask | None = None
    missing: str | None = None
    abort: AbortRun | None = None


NO_SECRETS = RunSecrets()


async def secrets_of(source: EnvironmentSecrets, request: AcceptRun) -> RunSecrets:
    """What a run is driven with. Raises Unavailable when the backend stays away."""
    if not request.has_secrets:
        return NO_SECRETS
    wanted = {**request.secrets, **request.around}
    found = await _open(source, request.tenant_id, request.app_id, wanted, patience=_START_SECONDS)
    missing = _missing(wanted, found)
    return RunSecrets(
        values={name: found[name] for name in request.secrets if name in found},
        mask=_mask(found, missing, inputs_too=bool(request.around)),
        missing=missing,
    )


def without_secrets(abort: AbortRun) -> RunSecrets:
    """What a run is stopped with while nobody tells its secrets."""
    return RunSecrets(mask=SecretMask(None, spared=abort.reason), abort=abort)


def hidden_by(started: RunStarted) -> Mapping[str, int]:
    """What `mask_of` wants of a run."""
    return {**started.secrets, **started.around} if started.around else started.secrets


async def mask_of(
    source: EnvironmentSecrets, tenant_id: UUID, app_id: UUID, wanted: Mapping[str, int]
) -> SecretMask | None:
    """How a stored run is shown; what cannot be had now hides everything. `wanted` are its own
    secrets by name, and by `app/name` those of the runs around it."""
    if not wanted:
        return None
    inputs_too = any(_app_of(name) for name in wanted)
    try:
        found = await _open(source, tenant_id, app_id, wanted, patience=_READ_SECONDS)
    except Unavailable:
        return SecretMask(None, inputs_too=inputs_too)
    return _mask(found, _missing(wanted, found), inputs_too=inputs_too)


async def _open(
    source: EnvironmentSecrets,
    tenant_id: UUID,
    app_id: UUID,
    wanted: Mapping[str, int],
    *,
    patience: float,
) -> dict[str, Value]:
    by_app: dict[UUID, dict[str, int]] = {}
    for name, version in wanted.items():
        by_app.setdefault(_app_of(name) or app_id, {})[name] = version
    found: dict[str, Value] = {}
    for app, versions in by_app.items():
        names = {name.removeprefix(f"{app}/"): name for name in versions}
        asked = {plain: versions[name] for plain, name in names.items()}
        opened = await source.open(tenant_id, app, asked, patience=patience)
        found |= {names[plain]: value for plain, value in opened.items()}
    return found


def _app_of(name: str) -> UUID | None:
    """The app of a secret of a run around."""
    app, _, own = name.partition("/")
    try:
        return UUID(app) if own else None
    except ValueError:
        return None


def _mask(found: Mapping[str, Value], missing: str | None, *, inputs_too: bool) -> SecretMask:
    # What is missing may be the very error that such a run ended with.
    values = found.values() if missing is None else None
    return SecretMask(values, spared=missing, inputs_too=inputs_too)


def _missing(wanted: Mapping[str, int], found: Mapping[str, Value]) -> str | None:
    for name, version in wanted.items():
        if name not in found:
            return SecretMissing(
                f"The secret environment variable {name!r} (version {version}) is no longer "
                "stored, or no master key opens it."
            ).message
    return None
