CREATE TABLE engine.conversation_variables (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    name text NOT NULL,
    -- JSON kept as bytes: jsonb refuses U+0000. Sealed where the run has secrets.
    value bytea NOT NULL,
    -- The event that gave it this value; null and 0 where no run did.
    run_id uuid,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, conversation_id, name)
);
--;;
-- A group commit in which runs change variables of their conversations. The first parameters are
-- those of commit_batch; each change names the place of its row in them, which is the last one of
-- its append. Kept apart so that a group without changes pays nothing.
CREATE FUNCTION engine.commit_batch_with_variables(
    p_worker uuid,
    p_tenants uuid[], p_runs uuid[], p_epochs bigint[], p_firsts bigint[], p_lasts bigint[],
    p_batches bigint[], p_bytes bytea[],
    p_progressed integer[],
    p_ends integer[], p_statuses text[], p_outcomes bytea[], p_messages uuid[], p_subject text,
    p_changes integer[], p_conversations uuid[], p_names text[], p_seqs bigint[], p_values bytea[]
) RETURNS integer[] LANGUAGE plpgsql VOLATILE SECURITY INVOKER
-- As in commit_batch.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_lost integer[];
BEGIN
    -- Locks the runs first, in the order of their ids.
    v_lost := engine.commit_batch(
        p_worker, p_tenants, p_runs, p_epochs, p_firsts, p_lasts, p_batches, p_bytes, p_progressed,
        p_ends, p_statuses, p_outcomes, p_messages, p_subject);
    INSERT INTO engine.conversation_variables (
        tenant_id, conversation_id, name, value, run_id, seq)
    -- Of several runs that change one variable at once the newest has the last word. In the order
    -- of the keys, so that no two groups wait in a circle.
    SELECT DISTINCT ON (j.tenant_id, c.conversation_id, c.name COLLATE "C")
        j.tenant_id, c.conversation_id, c.name, c.value, j.run_id, c.seq
    FROM unnest(p_changes, p_conversations, p_names, p_seqs, p_values)
        AS c(place, conversation_id, name, seq, value)
    -- Only with rows that this very transaction wrote: what an earlier try of this group has
    -- committed, somebody else may have changed since.
    JOIN engine.journal j
      ON j.tenant_id = p_tenants[c.place] AND j.run_id = p_runs[c.place]
     AND j.first_seq = p_firsts[c.place] AND j.batch_id = p_batches[c.place]
     AND j.xmin = pg_current_xact_id()::xid
    ORDER BY j.tenant_id, c.conversation_id, c.name COLLATE "C", c.place DESC
    ON CONFLICT (tenant_id, conversation_id, name) DO UPDATE
    SET value = excluded.value, run_id = excluded.run_id, seq = excluded.seq,
        changed_at = clock_timestamp();
    RETURN v_lost;
END $$
