"""The tables and functions of the Postgres ledger, as statements for a service's migration.

What a statement creates never changes once it is released.
"""

from libs.common.database.roles import APP
from libs.common.database.row_security import open_to_sweeper, protect_table


def keyed_call_statements(schema: str) -> list[str]:
    """`holders`, `run_epochs`, `call_claims`, and the functions that change them.

    A holder is a process; its row is its lease. `run_epochs` keeps the highest epoch seen of a
    run and when it ended. `result` is the reply, or the error as JSON, as `status` says.
    """
    functions = (_SETTLE, _CANCEL, _RUN_ENDED, _COLLECT)
    return [
        f"""create table {schema}.holders (
            holder uuid primary key,
            lease_until timestamptz not null)""",
        f"grant select, insert, update, delete on {schema}.holders to {APP}",
        f"""create table {schema}.run_epochs (
            tenant_id uuid not null,
            run_id uuid not null,
            epoch integer not null,
            ended_at timestamptz,
            primary key (tenant_id, run_id))""",
        f"""create index run_epochs_ended on {schema}.run_epochs (ended_at)
            where ended_at is not null""",
        f"""create table {schema}.call_claims (
            tenant_id uuid not null,
            key text not null,
            run_id uuid not null,
            request_hash text not null,
            effect_class text not null,
            claim_number integer not null,
            holder uuid not null,
            status text not null
                check (status in ('running', 'done', 'failed', 'cancelled')),
            result bytea,
            claimed_at timestamptz not null default clock_timestamp(),
            finished_at timestamptz,
            primary key (tenant_id, key))""",
        # Not led by tenant_id: a plan cached over an empty table would take it for look-ups by key.
        f"create index call_claims_of_run on {schema}.call_claims (run_id)",
        *protect_table(schema, "run_epochs"),
        *protect_table(schema, "call_claims"),
        *open_to_sweeper(schema, "run_epochs", ("tenant_id", "run_id", "ended_at")),
        *(function.replace("$schema", schema) for function in functions),
    ]


def settling_statement(schema: str) -> str:
    """The function by which claims and results are written."""
    return _SETTLE.replace("$schema", schema)


def calls_of_run_statements(schema: str) -> list[str]:
    """The index by which the calls of a run are found. With the tenant: else the wall of tenants,
    which every statement asks about, makes the key look nearer, and all calls of the tenant are
    read."""
    return [
        f"drop index {schema}.call_claims_of_run",
        f"create index call_claims_of_run on {schema}.call_claims (run_id, tenant_id)",
    ]


# One call for all claims and results that wait in a process: one round trip, one commit.
#
# The caller sorts its arrays by tenant and key. Locks are taken in one order everywhere, runs
# before claims and both sorted, so that batches of several processes queue up instead of
# deadlocking; a batch of one item has no order to keep. The run's row serialises its claims.
#
# Plain loops over single rows: they leave the planner nothing but the index (a plan that was made
# while the tables were empty is still used when they are full, and a record then took 100 ms at
# 100,000 rows), and most batches are so small that setting up joins, sorts and aggregates costs
# more than the rows. Planning anew for every array would cost as much as the rest.
#
# The answer waits for the disk, save where all that is written are claims of idempotent calls under
# an epoch that was seen before: if the server loses its memory, such a call may be made again,
# which its class allows.
_SETTLE = """
create or replace function $schema.settle_calls(
    p_tenants text, p_holder uuid, p_lease interval, p_unknown bytea,
    c_tenant uuid[], c_key text[], c_run uuid[], c_epoch integer[],
    c_hash text[], c_class text[], c_repeatable boolean[],
    r_tenant uuid[], r_key text[], r_number integer[], r_status text[], r_result bytea[])
returns table (is_claim boolean, place integer, outcome text, number integer, other uuid,
               answer bytea)
language plpgsql volatile
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $body$
declare
    claims integer := cardinality(c_key);
    records integer := cardinality(r_key);
    lasting boolean := cardinality(r_key) > 0 or 'idempotent' <> any (c_class);
    run record;
    held record;
begin
    perform set_config('heddle.tenants', p_tenants, true);
    if claims > 0 and not exists (select 1 from $schema.holders h where h.holder = p_holder
            and h.lease_until > clock_timestamp() + p_lease * 0.5) then
        insert into $schema.holders as h (holder, lease_until)
            values (p_holder, clock_timestamp() + p_lease)
            on conflict (holder) do update set lease_until = excluded.lease_until;
        lasting := true;
    end if;
    for i in 1..claims loop
        insert into $schema.run_epochs as e (tenant_id, run_id, epoch)
            values (c_tenant[i], c_run[i], c_epoch[i])
            on conflict (tenant_id, run_id) do update set epoch = excluded.epoch
            where e.epoch < excluded.epoch;
        lasting := lasting or found;
    end loop;
    if not lasting then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    if claims + records > 1 then
        perform 1 from (
                select * from unnest(c_tenant, c_key) union select * from unnest(r_tenant, r_key)
                order by 1, 2
            ) g (tenant_id, key)
            cross join lateral (select 1 from $schema.call_claims c
                where c.tenant_id = g.tenant_id and c.key = g.key for update) locked;
    end if;
    is_claim := false;
    for i in 1..records loop
        update $schema.call_claims c
            set status = r_status[i], result = r_result[i], finished_at = clock_timestamp()
            where c.tenant_id = r_tenant[i] and c.key = r_key[i]
              and c.claim_number = r_number[i] and c.status = 'running';
        place := i;
        -- A record that is repeated, because its answer was lost, was taken too.
        if found or exists (select 1 from $schema.call_claims c
                where c.tenant_id = r_tenant[i] and c.key = r_key[i]
                  and c.claim_number = r_number[i] and c.status = r_status[i]
                  and c.result is not distinct from r_result[i]) then
            outcome := 'taken';
        else
            outcome := 'lost';
        end if;
        return next;
    end loop;
    is_claim := true;
    for i in 1..claims loop
        place := i;
        number := null;
        other := null;
        answer := null;
        insert into $schema.call_claims as c
            (tenant_id, key, run_id, request_hash, effect_class, claim_number, holder, status)
            select c_tenant[i], c_key[i], c_run[i], c_hash[i], c_class[i], 1, p_holder, 'running'
            from $schema.run_epochs e
            where e.tenant_id = c_tenant[i] and e.run_id = c_run[i] and e.epoch = c_epoch[i]
              and e.ended_at is null
            on conflict do nothing;
        if found then
            outcome := 'claimed';
            number := 1;
            return next;
            continue;
        end if;
        select e.epoch, e.ended_at into run from $schema.run_epochs e
            where e.tenant_id = c_tenant[i] and e.run_id = c_run[i];
        select c.* into held from $schema.call_claims c
            where c.tenant_id = c_tenant[i] and c.key = c_key[i];
        if run.ended_at is not null then
            outcome := 'ended';
        elsif c_epoch[i] < run.epoch then
            outcome := 'stale';
        elsif held.status = 'cancelled' then
            outcome := held.status;
            answer := held.result;
        elsif held.request_hash <> c_hash[i] or held.run_id <> c_run[i] then
            outcome := 'mismatch';
        elsif held.status <> 'running' then
            outcome := held.status;
            answer := held.result;
        elsif exists (select 1 from $schema.holders h
                where h.holder = held.holder and h.lease_until > clock_timestamp()) then
            outcome := 'held';
            number := held.claim_number;
            other := held.holder;
        elsif c_repeatable[i] then
            update $schema.call_claims c
                set claim_number = held.claim_number + 1, holder = p_holder,
                    claimed_at = clock_timestamp()
                where c.tenant_id = c_tenant[i] and c.key = c_key[i];
            outcome := 'taken_over';
            number := held.claim_number + 1;
            other := held.holder;
        else
            update $schema.call_claims c
                set status = 'failed', result = p_unknown, finished_at = clock_timestamp()
                where c.tenant_id = c_tenant[i] and c.key = c_key[i];
            outcome := 'unknown';
        end if;
        return next;
    end loop;
end $body$"""

_CANCEL = """
create function $schema.cancel_call(
    p_tenant uuid, p_run uuid, p_key text, p_epoch integer, p_holder uuid, p_result bytea)
returns table (outcome text, holder uuid, number integer)
language plpgsql volatile as $body$
declare
    seen integer;
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    insert into $schema.run_epochs as e (tenant_id, run_id, epoch) values (p_tenant, p_run, p_epoch)
        on conflict (tenant_id, run_id) do update set epoch = greatest(e.epoch, excluded.epoch)
        returning e.epoch into seen;
    if p_epoch < seen then
        return query select 'stale', null::uuid, null::integer;
        return;
    end if;
    insert into $schema.call_claims (tenant_id, key, run_id, request_hash, effect_class,
            claim_number, holder, status, result, finished_at)
        values (p_tenant, p_key, p_run, '', '', 0, p_holder, 'cancelled', p_result,
            clock_timestamp())
        on conflict (tenant_id, key) do nothing;
    return query update $schema.call_claims c
        set status = 'cancelled', result = p_result, finished_at = clock_timestamp()
        where c.tenant_id = p_tenant and c.key = p_key and c.run_id = p_run
          and c.status = 'running'
        returning 'cancelled', c.holder, c.claim_number;
end $body$"""

_RUN_ENDED = """
create function $schema.calls_run_ended(
    p_tenant uuid, p_run uuid, p_epoch integer, p_result bytea)
returns table (key text, holder uuid, number integer)
language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    insert into $schema.run_epochs as e (tenant_id, run_id, epoch, ended_at)
        values (p_tenant, p_run, p_epoch, clock_timestamp())
        on conflict (tenant_id, run_id) do update
        set ended_at = coalesce(e.ended_at, excluded.ended_at),
            epoch = greatest(e.epoch, excluded.epoch);
    return query update $schema.call_claims c
        set status = 'cancelled', result = p_result, finished_at = clock_timestamp()
        where c.tenant_id = p_tenant and c.run_id = p_run and c.status = 'running'
        returning c.key, c.holder, c.claim_number;
end $body$"""

_COLLECT = """
create function $schema.collect_calls(p_tenants text, p_runs uuid[], p_older interval)
returns integer language plpgsql volatile as $body$
declare
    gone uuid[];
begin
    perform set_config('heddle.tenants', p_tenants, true);
    select coalesce(array_agg(old.run_id), '{}') into gone from (
        select e.run_id from $schema.run_epochs e
        where e.run_id = any (p_runs) and e.ended_at < clock_timestamp() - p_older
        order by e.tenant_id, e.run_id for update) old;
    delete from $schema.call_claims c where c.run_id = any (gone);
    delete from $schema.run_epochs e where e.run_id = any (gone);
    return cardinality(gone);
end $body$"""
