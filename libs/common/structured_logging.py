"""Logs as one JSON object a line, with run, tenant and trace ids, without secrets."""

import logging
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars, reset_contextvars
from structlog.types import EventDict, Processor, WrappedLogger

from libs.common.contracts.envelope import Envelope
from libs.common.tracing import current_trace_id, enter_trace, leave_trace

# What `extra=` of the standard library's loggers may add to a line.
_EXTRA = ("run_id", "tenant_id", "status", "steps")

_SECRET_WORDS = ("authorization", "api_key", "apikey", "password", "secret", "token", "cookie")
_NOT_SECRET = ("tokens", "token_count", "secret_version")
_HIDDEN = "[hidden]"
_DEEPEST = 6


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging to stderr as JSON lines.

    Every line carries `service`, `level`, `at` (UTC, ISO 8601), `event`, `logger` and, where they
    are bound, `tenant_id`, `run_id` and `trace_id`.
    """
    shared: list[Processor] = [
        merge_contextvars,
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


@contextmanager
def message_context(envelope: Envelope) -> Generator[None]:
    """Everything logged inside names the envelope's tenant and run and belongs to its trace."""
    effect = envelope.effect
    trace = enter_trace(envelope.traceparent, envelope.tracestate)
    try:
        with logging_context(envelope.tenant_id, None if effect is None else effect.run_id):
            yield
    finally:
        leave_trace(trace)


@contextmanager
def logging_context(tenant_id: UUID | None, run_id: UUID | None = None) -> Generator[None]:
    """Everything logged inside names this tenant and run; None leaves what is bound."""
    bound: dict[str, UUID] = {}
    if tenant_id is not None:
        bound["tenant_id"] = tenant_id
    if run_id is not None:
        bound["run_id"] = run_id
    if not bound:
        yield
        return
    tokens = bind_contextvars(**bound)
    try:
        yield
    finally:
        reset_contextvars(**tokens)


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
