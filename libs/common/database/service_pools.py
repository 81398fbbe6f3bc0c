"""What a service is connected to Postgres with, closed again by its lifespan."""

from dataclasses import dataclass

from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.database.connection_options import ConnectionOptions
from libs.common.database.pool_metrics import watch_pool
from libs.common.errors import PlatformFault
from libs.common.lifespan import Lifespan
from libs.common.metrics import Metrics
from libs.common.retry_policy import CONNECT
from libs.common.retrying import retrying
from libs.common.service_settings import ServiceSettings


class SweeperUrlMissing(PlatformFault):
    """A service was started without the account that its sweeps need."""

    code = "sweeper_url_missing"
    title = "HEDDLE_DATABASE_SWEEPER_URL is not set"
    retryable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePools:
    """`app` signs in as heddle_app, `sweeper` as heddle_sweeper."""

    app: Pool
    sweeper: Pool


async def open_pools(
    settings: ServiceSettings,
    lifespan: Lifespan,
    metrics: Metrics,
    *,
    name: str,
    connections: int,
    sweeper_connections: int = 2,
) -> ServicePools:
    """Both pools of the service `name`, shown in `metrics`. Raises SweeperUrlMissing, and
    Unavailable when Postgres stays away."""
    sweeper_url = settings.database_sweeper_url
    if sweeper_url is None:
        raise SweeperUrlMissing(f"Set HEDDLE_DATABASE_SWEEPER_URL: the {name} sweeps for work.")
    pools = ServicePools(
        app=await open_pool(settings.database_url, lifespan, name=name, connections=connections),
        sweeper=await open_pool(
            sweeper_url, lifespan, name=f"{name}-sweeper", connections=sweeper_connections
        ),
    )
    watch_pool(metrics, "app", pools.app)
    watch_pool(metrics, "sweeper", pools.sweeper)
    return pools


async def open_pool(url: str, lifespan: Lifespan, *, name: str, connections: int) -> Pool:
    """At most `connections` at once, `name` in pg_stat_activity. Raises Unavailable when Postgres
    stays away."""
    options = ConnectionOptions(name=name, max_connections=connections)
    pool = await retrying(CONNECT, lambda: create_pool(url, options))
    lifespan.at_stop(f"postgres of {name}", pool.close)
    return pool
