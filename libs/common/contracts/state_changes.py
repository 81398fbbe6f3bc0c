"""The invalidation message of the tiered store."""

from pydantic import BaseModel, ConfigDict


class StateChanged(BaseModel):
    """`key` of `namespace` is now at `revision`; copies below it are stale.

    `key` is `<tenant id>/<key within the tenant>`.
    """

    model_config = ConfigDict(frozen=True)

    namespace: str
    key: str
    revision: int
