"""Logs as one JSON object a line, with run, tenant and trace ids, without secrets."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from libs.common.contracts.envelope import Envelope
from libs.common.tracing import current_trace_id, enter_trace, leave_trace

# What `extra=` of the standard library's loggers may add to a line.
_EXTRA = ("run_id", "tenant_id", "status", "steps")

_SECRET_WORDS = ("authorization", "api_key", "apikey", "password", "secret", "token", "cookie")
_NOT_SECRET = ("tokens", "token_count", "secret_version")
_HIDDEN = "[hidden]"
_DEEPEST = 6

_named: ContextVar[tuple[UUID | None, UUID | None]] = ContextVar("named", default=(None, None))
"""The tenant and the run that log lines name."""


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging to stderr as JSON lines.

    Every line carries `service`, `level`, `at` (UTC, ISO 8601), `event`, `logger` and, where they
    are bound, `tenant_id`, `run_id` and `trace_id`.
    """
    shared: list[Processor] = [
        _add_ids,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _constant("service", service),
        _add_trace_id,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(_EXTRA)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # One line a request from each of these would drown ours.
    for noisy in ("uvicorn.access", "botocore", "boto3", "urllib3", "nats"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class message_context:  # noqa: N801 - used as a context manager
    """Everything logged inside names the envelope's tenant and run and belongs to its trace."""

    __slots__ = ("_envelope", "_ids", "_trace")

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    def __enter__(self) -> None:
        envelope = self._envelope
        tenant_id, run_id = envelope.tenant_id, envelope.effect and envelope.effect.run_id
        self._trace = enter_trace(envelope.traceparent, envelope.tracestate)
        around = _named.get()
        # What a message does not name, its handler may know from around it.
        self._ids = _named.set((tenant_id or around[0], run_id or around[1]))

    def __exit__(self, *_: object) -> None:
        _named.reset(self._ids)
        leave_trace(self._trace)


def redact_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values whose key names a secret, at any depth up to six."""
    for key, value in event.items():
        event[key] = _redacted(key, value, _DEEPEST)
    return event


def _redacted(key: str, value: object, depth: int) -> object:
    name = key.lower().replace("-", "_")
    if any(word in name for word in _SECRET_WORDS) and not name.endswith(_NOT_SECRET):
        return _HIDDEN
    if depth and isinstance(value, Mapping):
        # Keys of a logged mapping are whatever the caller had; only their text counts.
        found: dict[object, object] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        return {str(k): _redacted(str(k), v, depth - 1) for k, v in found.items()}
    return value


def _add_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    tenant_id, run_id = _named.get()
    if tenant_id is not None:
        event.setdefault("tenant_id", tenant_id)
    if run_id is not None:
        event.setdefault("run_id", run_id)
    return event


def _add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    trace_id = current_trace_id()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def _constant(key: str, value: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event[key] = value
        return event

    return add
