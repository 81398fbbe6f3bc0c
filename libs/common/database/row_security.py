"""Row-level security as statements for migrations, and the setting that policies read.

A transaction names its tenants in the local setting `heddle.tenants`, comma-separated. Without it
a tenant table looks empty.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from libs.common.database.roles import APP, SWEEPER

SET_TENANTS = "select set_config('heddle.tenants', $1, true)"

# In a sub-select, so that the setting is parsed once a statement and not once a row.
_WALL = (
    "tenant_id = any (array(select unnest(string_to_array("
    "nullif(current_setting('heddle.tenants', true), ''), ',')::uuid[])))"
)


def tenants_setting(tenant_ids: Iterable[UUID]) -> str:
    """The value of `heddle.tenants` that opens the rows of `tenant_ids`."""
    return ",".join(str(tenant_id) for tenant_id in sorted(set(tenant_ids)))


def protect_table(
    schema: str, table: str, *, app_may: str = "select, insert, update, delete"
) -> list[str]:
    """Wall off a table with a `tenant_id` column and grant `app_may` on it to heddle_app.

    The wall also stands before the table's owner.
    """
    name = f"{schema}.{table}"
    return [
        f"alter table {name} enable row level security",
        f"alter table {name} force row level security",
        f"create policy tenant_wall on {name} to {APP} using ({_WALL}) with check ({_WALL})",
        f"grant {app_may} on {name} to {APP}",
    ]


def open_to_sweeper(schema: str, table: str, columns: Sequence[str]) -> list[str]:
    """Let heddle_sweeper read `columns` (ids, due times, status, tenant) across tenants."""
    name = f"{schema}.{table}"
    return [
        f"create policy sweeper_reads on {name} for select to {SWEEPER} using (true)",
        f"grant select ({', '.join(columns)}) on {name} to {SWEEPER}",
    ]
