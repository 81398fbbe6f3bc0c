"""What is counted of telling people."""

from typing import Literal, Protocol

from libs.common.contracts.form_deliveries import Channel

Outcome = Literal["sent", "failed", "refused", "closed", "untold"]


class DeliveryMetrics(Protocol):
    def tried(self, channel: Channel, outcome: Outcome) -> None:
        """One try of one delivery ended so."""
        ...
