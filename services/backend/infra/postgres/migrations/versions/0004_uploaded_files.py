"""Uploaded files, which runs name them, and the files that a message came with."""

from alembic import op

from libs.common.database.row_security import open_to_sweeper, protect_table

revision = "0004"
down_revision = "0003"

_FILES = """
create table backend.uploaded_files (
    file_id uuid primary key,
    tenant_id uuid not null,
    app_id uuid not null references backend.apps on delete cascade,
    end_user_id uuid not null,
    name text not null,
    extension text not null,
    mime_type text not null,
    size bigint not null,
    object_key text not null,
    created_at timestamptz not null,
    named_at timestamptz)"""
_UNNAMED = """
create index files_without_a_run on backend.uploaded_files (created_at) where named_at is null"""

# A run's acceptance and what keeps the files that it names, in one commit.
_BEGIN_RUN = """
create function backend.begin_run_with_files(
    p_tenant uuid, p_run uuid, p_app uuid, p_version uuid, p_mode text, p_end_user uuid,
    p_session text, p_conversation uuid, p_message uuid, p_new_conversation boolean, p_name text,
    p_query text, p_inputs bytea, p_acceptance bytea, p_key text, p_request_hash text,
    p_files uuid[], p_message_files bytea)
returns table (run_id uuid, request_hash text) language plpgsql volatile as $body$
declare
    named integer;
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    update backend.uploaded_files f set named_at = coalesce(f.named_at, now())
        where f.file_id = any (p_files);
    get diagnostics named = row_count;
    if named < cardinality(p_files) then
        raise exception 'a file is gone' using errcode = 'HD404';
    end if;
    return query select * from backend.begin_run(p_tenant, p_run, p_app, p_version, p_mode,
        p_end_user, p_session, p_conversation, p_message, p_new_conversation, p_name, p_query,
        p_inputs, p_acceptance, p_key, p_request_hash);
    update backend.messages m set files = p_message_files where m.message_id = p_message;
end $body$"""


def upgrade() -> None:
    op.execute(_FILES)
    op.execute(_UNNAMED)
    op.execute("alter table backend.messages add column files bytea")
    for statement in (
        *protect_table("backend", "uploaded_files"),
        *open_to_sweeper(
            "backend", "uploaded_files", ("file_id", "tenant_id", "created_at", "named_at")
        ),
        _BEGIN_RUN,
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("released tables are not taken back")
