"""Talking to a provider in its own dialect."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol

from libs.common.contracts.chat import ChatCall
from services.inference.domain.catalogue.catalogue import ResolvedModel
from services.inference.domain.chat.upstream_part import UpstreamPart


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCredential:
    """A credential in the clear; lives only as long as the call. Never logged."""

    base_url: str | None
    values: Mapping[str, str]

    def __repr__(self) -> str:
        return "OpenedCredential(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamCall:
    """One call that has been checked. Times in seconds; `idempotency_key` "" for none;
    `traceparent` is told to the provider."""

    model: ResolvedModel
    call: ChatCall
    credential: OpenedCredential
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0
    idempotency_key: str = ""
    traceparent: str | None = None


class ChatWire(Protocol):
    """One way of talking (OpenAI's chat completions, ...)."""

    def chat(self, upstream: UpstreamCall) -> AsyncGenerator[UpstreamPart, None]:
        """The provider's answer, part by part, ended by Finish.

        Closing the iterator ends the upstream call. Raises ProviderFailed when the provider
        refuses, UpstreamTimeout when it is silent too long, ProviderStreamBroken when its stream
        ends early or cannot be read.
        """
        ...


class WireCatalogue(Protocol):
    """The wires by name."""

    def wire(self, name: str) -> ChatWire:
        """The wire that sheets call `name`. Raises KeyError; sheets are checked at load."""
        ...
