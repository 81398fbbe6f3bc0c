"""How much of a pool is in use."""

from libs.common.database.asyncpg_pool import Pool
from libs.common.metrics import Metrics


def watch_pool(metrics: Metrics, name: str, pool: Pool) -> None:
    """Show the connections of `pool` under `name`; read when the metrics are."""
    connections = metrics.gauge(
        "heddle_database_connections",
        "Connections to Postgres: open at all, idle of these, and the most there may be.",
        ("pool", "state"),
    )
    connections.labels(name, "open").set_function(pool.get_size)
    connections.labels(name, "idle").set_function(pool.get_idle_size)
    connections.labels(name, "most").set(pool.get_max_size())
