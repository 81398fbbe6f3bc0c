"""How many calls of a subject one process answers at once, for all tenants and for each."""

from collections import Counter
from collections.abc import Generator, Hashable
from contextlib import contextmanager

from libs.common.errors import Busy
from libs.common.fair_places import share_of

_RETRY_AFTER_SECONDS = 1.0


class CallsUnderWay:
    """At most `limit` together and three quarters of it for one tenant: who asks too much of a
    service must leave the others room to ask."""

    def __init__(self, subject: str, limit: int) -> None:
        self._subject = subject
        self._limit = limit
        self._share = share_of(limit)
        self._count = 0
        self._by_tenant: Counter[Hashable] = Counter()

    def begin(self, tenant: Hashable) -> None:
        """Count one more, until `end`. Raises Busy."""
        if self._count >= self._limit or self._by_tenant[tenant] >= self._share:
            raise Busy(
                f"{self._by_tenant[tenant]} calls of {self._subject} are under way for this "
                f"tenant, {self._count} together",
                retry_after=_RETRY_AFTER_SECONDS,
            )
        self._count += 1
        self._by_tenant[tenant] += 1

    @contextmanager
    def counted(self, tenant: Hashable) -> Generator[None]:
        """A call for the length of the block. Raises Busy."""
        self.begin(tenant)
        try:
            yield
        finally:
            self.end(tenant)

    def end(self, tenant: Hashable) -> None:
        """A call that `begin` counted has ended."""
        self._count -= 1
        self._by_tenant[tenant] -= 1
        if not self._by_tenant[tenant]:
            del self._by_tenant[tenant]
