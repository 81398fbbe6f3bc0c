"""The backend's outbox, for the fact that a conversation was deleted."""

from alembic import op

from libs.common.database.common_tables import outbox_statements

revision = "0008"
down_revision = "0007"

# The fact as a row; told once more when a run of the conversation ends afterwards, for such a run
# may have left variables behind.
_TELL = """
create function backend.tell_deleted(p_tenant uuid, p_conversation uuid, p_subject text)
returns void language sql as $body$
    insert into backend.outbox (id, tenant_id, subject, body)
    values (gen_random_uuid(), p_tenant, p_subject, convert_to(json_build_object(
        'tenant_id', p_tenant, 'conversation_id', p_conversation)::text, 'UTF8'))
$body$"""

# Answers whether there was such a conversation that nobody had deleted.
_DELETE = """
create function backend.delete_conversation(
    p_tenant uuid, p_conversation uuid, p_subject text)
returns boolean language plpgsql volatile as $body$
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    update backend.conversations c set deleted_at = now()
        where c.conversation_id = p_conversation and c.deleted_at is null;
    if not found then
        return false;
    end if;
    perform backend.tell_deleted(p_tenant, p_conversation, p_subject);
    return true;
end $body$"""

# As before, and the fact where the run's conversation is gone.
_FINISH_RUN = """
create function backend.finish_run(
    p_tenant uuid, p_run uuid, p_status text, p_outputs bytea, p_error text, p_answer text,
    p_tokens bigint, p_steps integer, p_exceptions integer, p_elapsed double precision,
    p_finished timestamptz, p_usage bytea, p_message_status text, p_deleted_subject text)
returns boolean language plpgsql volatile as $body$
declare
    v_conversation uuid;
begin
    perform set_config('heddle.tenants', p_tenant::text, true);
    update backend.runs r set status = p_status, outputs = p_outputs, error = p_error,
            answer = p_answer, total_tokens = p_tokens, total_steps = p_steps,
            exceptions_count = p_exceptions, elapsed_seconds = p_elapsed,
            finished_at = p_finished, usage = p_usage,
            handed_over_at = coalesce(r.handed_over_at, now())
        where r.run_id = p_run and r.finished_at is null
        returning r.conversation_id into v_conversation;
    if not found then
        return false;
    end if;
    update backend.messages m set answer = p_answer, status = p_message_status,
            error = p_error, usage = p_usage
        where m.run_id = p_run;
    if v_conversation is not null and exists (
            select 1 from backend.conversations c
             where c.conversation_id = v_conversation and c.deleted_at is not null) then
        perform backend.tell_deleted(p_tenant, v_conversation, p_deleted_subject);
    end if;
    return true;
end $body$"""


def upgrade() -> None:
    for statement in (*outbox_statements("backend"), _TELL, _DELETE):
        op.execute(statement)
    op.execute(
        "drop function backend.finish_run(uuid, uuid, text, bytea, text, text, bigint, integer, "
        "integer, double precision, timestamptz, bytea, text)"
    )
    op.execute(_FINISH_RUN)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: facts may wait to be told")
