"""A last tier without a database, for tests."""

from uuid import UUID

from libs.common.state_store.tiers import NEVER_THERE, Place, Version, conflict


class InMemoryLastTier:
    """Keeps everything for as long as it lives."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, UUID, str], Version] = {}

    async def read(self, place: Place) -> Version:
        return self._versions.get(_address(place), NEVER_THERE)

    async def write(self, place: Place, value: bytes | None, expected: int | None) -> int:
        standing = self._versions.get(_address(place), NEVER_THERE)
        visible = 0 if standing.value is None else standing.revision
        if expected is not None and expected != visible:
            raise conflict(place, visible)
        if value is None and visible == 0:
            return 0
        version = Version(revision=standing.revision + 1, value=value)
        self._versions[_address(place)] = version
        return version.revision


def _address(place: Place) -> tuple[str, UUID, str]:
    return place.namespace.name, place.tenant_id, place.key
