"""The wires, one line each."""

import aiohttp

from libs.common.clock import Clock
from services.inference.app.ports.chat_wire import ChatWire
from services.inference.infra.wires.demo import DemoWire
from services.inference.infra.wires.openai_compatible import OpenAiCompatibleWire

WIRE_NAMES = ("demo", "openai_compatible")


class Wires:
    """Every wire over one pooled client session."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._wires: dict[str, ChatWire] = {
            "demo": DemoWire(clock),
            "openai_compatible": OpenAiCompatibleWire(session, clock),
        }

    def wire(self, name: str) -> ChatWire:
        """See WireCatalogue.wire."""
        return self._wires[name]
