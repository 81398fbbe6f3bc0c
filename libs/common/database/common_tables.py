"""Tables that several services have, each in its own schema: statements for their migrations.

In a migration: `for statement in outbox_statements("engine"): op.execute(statement)`. What a
statement creates never changes once it is released; a change is a new function and a migration.
"""

from libs.common.database.row_security import open_to_sweeper, protect_table


def outbox_statements(schema: str) -> list[str]:
    """`outbox`: messages that a transaction decided to send.

    `id` is a UUIDv7 and orders the rows, `subject` a durable subject's name, `body` its message
    as JSON, `due_at` when a relay may next take the row, `sent_at` when the bus had it.
    """
    return [
        f"""create table {schema}.outbox (
            id uuid primary key,
            tenant_id uuid not null,
            subject text not null,
            body bytea not null,
            due_at timestamptz not null default now(),
            attempts integer not null default 0,
            sent_at timestamptz,
            last_error text)""",
        f"create index outbox_unsent on {schema}.outbox (tenant_id, id) where sent_at is null",
        f"create index outbox_sent on {schema}.outbox (sent_at) where sent_at is not null",
        *protect_table(schema, "outbox"),
        *open_to_sweeper(schema, "outbox", ("id", "tenant_id", "due_at", "sent_at")),
    ]


def state_record_statements(schema: str) -> list[str]:
    """`state_records`: the last tier of the state store, and its two functions.

    A deleted record stays as a row without a value, so that its revision goes on rising.
    """
    return [
        f"""create table {schema}.state_records (
            tenant_id uuid not null,
            namespace text not null,
            key text not null,
            revision bigint not null,
            value bytea,
            updated_at timestamptz not null default now(),
            primary key (tenant_id, namespace, key))""",
        *protect_table(schema, "state_records"),
        _STATE_READ.replace("$schema", schema),
        _STATE_WRITE.replace("$schema", schema),
    ]


_STATE_READ = """
create function $schema.state_read(p_tenant uuid, p_namespace text, p_key text)
returns table (revision bigint, value bytea) language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    return query select r.revision, r.value from $schema.state_records r
        where r.tenant_id = p_tenant and r.namespace = p_namespace and r.key = p_key;
end $body$"""

# Answers the new revision, 0 when nothing was to delete, and minus one less the standing revision
# when that is not the expected one.
_STATE_WRITE = """
create function $schema.state_write(
    p_tenant uuid, p_namespace text, p_key text, p_value bytea, p_expected bigint)
returns bigint language plpgsql volatile as $body$
declare
    standing record;
    visible bigint;
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    loop
        select r.revision, r.value is not null as present into standing
            from $schema.state_records r
            where r.tenant_id = p_tenant and r.namespace = p_namespace and r.key = p_key
            for update;
        visible := case when standing.present then standing.revision else 0 end;
        if p_expected is not null and p_expected <> visible then
            return -1 - visible;
        end if;
        if p_value is null and visible = 0 then
            return 0;
        end if;
        if standing.revision is not null then
            update $schema.state_records r
                set revision = r.revision + 1, value = p_value, updated_at = now()
                where r.tenant_id = p_tenant and r.namespace = p_namespace and r.key = p_key;
            return standing.revision + 1;
        end if;
        insert into $schema.state_records (tenant_id, namespace, key, revision, value)
            values (p_tenant, p_namespace, p_key, 1, p_value) on conflict do nothing;
        if found then
            return 1;
        end if;
    end loop;
end $body$"""
