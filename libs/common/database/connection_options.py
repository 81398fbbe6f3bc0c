"""What every connection to Postgres is opened with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """Bounds of one pool and of the statements on it.

    `name` shows in pg_stat_activity. Seconds: `connect_timeout` for opening a connection,
    `command_timeout` for a statement as the client sees it, `lock_timeout` for waiting on a lock,
    `idle_in_transaction` until the server ends a session that holds a transaction open.
    """

    name: str = "heddle"
    max_connections: int = 10
    connect_timeout: float = 5.0
    command_timeout: float = 30.0
    lock_timeout: float = 5.0
    idle_in_transaction: float = 15.0

    def server_settings(self) -> dict[str, str]:
        """The same bounds as Postgres' own settings."""
        return {
            "application_name": self.name,
            "lock_timeout": str(int(self.lock_timeout * 1000)),
            "idle_in_transaction_session_timeout": str(int(self.idle_in_transaction * 1000)),
            # Rows are looked up a few at a time and mostly lie in memory. Without statistics
            # Postgres takes the wall of tenants for selective, and would read all that an index
            # has of a tenant into a bitmap to find the first twenty of an order.
            "random_page_cost": "1.1",
            "enable_bitmapscan": "off",
        }
