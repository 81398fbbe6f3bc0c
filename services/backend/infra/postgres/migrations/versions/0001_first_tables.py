"""Tenants, keys, apps, conversations and runs."""

from alembic import op

from libs.common.database.common_tables import state_record_statements
from libs.common.database.row_security import open_to_sweeper, protect_table

revision = "0001"
down_revision = None

# JSON is kept as bytes: U+0000 inside it is refused by both json types and by text.
_TABLES: dict[str, str] = {
    "tenants": """
        tenant_id uuid primary key,
        name text not null,
        created_at timestamptz not null default now()""",
    "api_keys": """
        key_id uuid primary key,
        tenant_id uuid not null,
        kind text not null,
        app_id uuid,
        key_hash text not null unique,
        created_at timestamptz not null default now(),
        revoked_at timestamptz""",
    "apps": """
        app_id uuid primary key,
        tenant_id uuid not null,
        name text not null,
        mode text not null,
        description text not null,
        icon text not null,
        published_version_id uuid,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()""",
    "app_drafts": """
        app_id uuid primary key references backend.apps on delete cascade,
        tenant_id uuid not null,
        source bytea not null,
        source_hash text not null,
        definition bytea not null,
        report bytea not null,
        updated_at timestamptz not null default now()""",
    "app_versions": """
        version_id uuid primary key,
        tenant_id uuid not null,
        app_id uuid not null references backend.apps on delete cascade,
        content_hash text not null,
        source bytea not null,
        definition bytea not null,
        created_at timestamptz not null default now(),
        unique (app_id, content_hash)""",
    "end_users": """
        end_user_id uuid primary key,
        tenant_id uuid not null,
        app_id uuid not null references backend.apps on delete cascade,
        session_id text not null,
        created_at timestamptz not null default now()""",
    "conversations": """
        conversation_id uuid primary key,
        tenant_id uuid not null,
        app_id uuid not null references backend.apps on delete cascade,
        end_user_id uuid not null,
        name text not null,
        inputs bytea not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz""",
    "messages": """
        message_id uuid primary key,
        tenant_id uuid not null,
        app_id uuid not null,
        conversation_id uuid not null references backend.conversations on delete cascade,
        run_id uuid not null unique,
        parent_message_id uuid,
        query text not null,
        inputs bytea not null,
        answer text not null default '',
        status text not null default 'pending',
        error text,
        usage bytea,
        created_at timestamptz not null default now()""",
    "runs": """
        run_id uuid primary key,
        tenant_id uuid not null,
        app_id uuid not null,
        version_id uuid not null,
        mode text not null,
        end_user_id uuid not null,
        session_id text not null,
        conversation_id uuid,
        message_id uuid,
        acceptance bytea not null,
        idempotency_key text,
        request_hash text not null,
        status text not null default 'queued',
        handed_over_at timestamptz,
        stop_reason text,
        stop_requested_at timestamptz,
        stop_delivered_at timestamptz,
        answer text,
        outputs bytea,
        error text,
        total_tokens bigint not null default 0,
        total_steps integer not null default 0,
        exceptions_count integer not null default 0,
        elapsed_seconds double precision not null default 0,
        usage bytea,
        created_at timestamptz not null default now(),
        finished_at timestamptz,
        unique (tenant_id, idempotency_key)""",
    "idempotency_records": """
        tenant_id uuid not null,
        scope text not null,
        key text not null,
        request_hash text not null,
        created_at timestamptz not null default now(),
        primary key (tenant_id, scope, key)""",
    "credentials": """
        tenant_id uuid not null,
        provider text not null,
        sealed bytea not null,
        base_url text,
        revision bigint not null default 1,
        updated_at timestamptz not null default now(),
        primary key (tenant_id, provider)""",
}

_INDEXES = [
    "create index apps_by_name on backend.apps (tenant_id, name)",
    "create index keys_by_app on backend.api_keys (tenant_id, app_id)",
    (
        "create index conversations_of_user on backend.conversations "
        "(app_id, end_user_id, updated_at desc)"
    ),
    "create index messages_in_order on backend.messages (conversation_id, message_id)",
    (
        "create index runs_to_hand_over on backend.runs (created_at) "
        "where finished_at is null and handed_over_at is null"
    ),
    (
        "create index runs_to_stop on backend.runs (stop_requested_at) "
        "where finished_at is null and stop_requested_at is not null and stop_delivered_at is null"
    ),
]

# One round trip for what every request of an app's client begins with.
_FIND_APP = """
create function backend.find_app(p_tenant uuid, p_app uuid)
returns setof backend.apps language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    return query select * from backend.apps a where a.app_id = p_app;
end $body$"""

# One round trip for a run's acceptance. Answers the run that stands under the key: the new one,
# or an earlier one with its request hash.
_BEGIN_RUN = """
create function backend.begin_run(
    p_tenant uuid, p_run uuid, p_app uuid, p_version uuid, p_mode text, p_end_user uuid,
    p_session text, p_conversation uuid, p_message uuid, p_new_conversation boolean, p_name text,
    p_query text, p_inputs bytea, p_acceptance bytea, p_key text, p_request_hash text)
returns table (run_id uuid, request_hash text) language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    insert into backend.runs (run_id, tenant_id, app_id, version_id, mode, end_user_id, session_id,
            conversation_id, message_id, acceptance, idempotency_key, request_hash)
        values (p_run, p_tenant, p_app, p_version, p_mode, p_end_user, p_session,
            p_conversation, p_message, p_acceptance, p_key, p_request_hash)
        on conflict (tenant_id, idempotency_key) do nothing;
    if not found then
        return query select r.run_id, r.request_hash from backend.runs r
            where r.tenant_id = p_tenant and r.idempotency_key = p_key;
        return;
    end if;
    insert into backend.end_users (end_user_id, tenant_id, app_id, session_id)
        values (p_end_user, p_tenant, p_app, p_session) on conflict do nothing;
    if p_new_conversation then
        insert into backend.conversations
                (conversation_id, tenant_id, app_id, end_user_id, name, inputs)
            values (p_conversation, p_tenant, p_app, p_end_user, p_name, p_inputs);
    elsif p_conversation is not null then
        update backend.conversations c set updated_at = now()
            where c.conversation_id = p_conversation;
    end if;
    if p_message is not null then
        insert into backend.messages (message_id, tenant_id, app_id, conversation_id, run_id,
                parent_message_id, query, inputs)
            values (p_message, p_tenant, p_app, p_conversation, p_run,
                (select m.message_id from backend.messages m
                  where m.conversation_id = p_conversation order by m.message_id desc limit 1),
                p_query, p_inputs);
    end if;
    return query select p_run, p_request_hash;
end $body$"""

# The first outcome stands; a second one changes nothing.
_FINISH_RUN = """
create function backend.finish_run(
    p_tenant uuid, p_run uuid, p_status text, p_outputs bytea, p_error text, p_answer text,
    p_tokens bigint, p_steps integer, p_exceptions integer, p_elapsed double precision,
    p_finished timestamptz, p_usage bytea, p_message_status text)
returns boolean language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    update backend.runs r set status = p_status, outputs = p_outputs, error = p_error,
            answer = p_answer, total_tokens = p_tokens, total_steps = p_steps,
            exceptions_count = p_exceptions, elapsed_seconds = p_elapsed,
            finished_at = p_finished, usage = p_usage,
            handed_over_at = coalesce(r.handed_over_at, now())
        where r.run_id = p_run and r.finished_at is null;
    if not found then
        return false;
    end if;
    update backend.messages m set answer = p_answer, status = p_message_status,
            error = p_error, usage = p_usage
        where m.run_id = p_run;
    return true;
end $body$"""


def upgrade() -> None:
    for table, columns in _TABLES.items():
        op.execute(f"create table backend.{table} ({columns})")
        for statement in protect_table("backend", table):
            op.execute(statement)
    for statement in _INDEXES:
        op.execute(statement)
    waiting = (
        "run_id", "tenant_id", "created_at", "finished_at", "handed_over_at",
        "stop_requested_at", "stop_delivered_at",
    )  # fmt: skip
    for statement in (
        *open_to_sweeper("backend", "runs", waiting),
        *open_to_sweeper("backend", "tenants", ("tenant_id",)),
        *state_record_statements("backend"),
        _FIND_APP,
        _BEGIN_RUN,
        _FINISH_RUN,
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("released tables are not taken back")
