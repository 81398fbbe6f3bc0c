-- The run whose node called this one.
ALTER TABLE engine.runs ADD COLUMN parent_run_id uuid;
--;;
-- accept_run for a run that a node of another one calls: queued, with the fact in the outbox. The
-- verdict lost: the run that calls it is no longer owned under p_epoch. FOR SHARE: its end waits for
-- us and then sees the child, or we wait and find that it has no owner.
CREATE FUNCTION engine.accept_child(
    p_tenant uuid, p_parent uuid, p_epoch bigint,
    p_run uuid, p_app uuid, p_shard smallint, p_hash text, p_request bytea,
    p_message uuid, p_subject text, p_fact bytea,
    OUT verdict text, OUT run_status text
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    PERFORM 1 FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_parent AND epoch = p_epoch AND owner IS NOT NULL
    FOR SHARE;
    IF NOT FOUND THEN
        verdict := 'lost';
        RETURN;
    END IF;
    SELECT a.verdict, a.run_status INTO verdict, run_status
    FROM engine.accept_run(
        p_tenant, p_run, p_app, p_shard, p_hash, p_request, NULL, NULL) AS a;
    IF verdict = 'queued' THEN
        UPDATE engine.runs SET parent_run_id = p_parent
        WHERE tenant_id = p_tenant AND run_id = p_run;
        INSERT INTO engine.outbox (id, tenant_id, subject, body)
        VALUES (p_message, p_tenant, p_subject, p_fact);
    END IF;
END $$;
--;;
-- A group commit in which runs tell others something: a run the one that called it how it ended, or
-- those that it has called that nobody waits for them any more. The first parameters are those of
-- commit_batch_with_variables; each command names the place of its row in them, which is the last
-- one of its append. Kept apart so that a group without commands pays nothing.
CREATE FUNCTION engine.commit_batch_with_commands(
    p_worker uuid,
    p_tenants uuid[], p_runs uuid[], p_epochs bigint[], p_firsts bigint[], p_lasts bigint[],
    p_batches bigint[], p_bytes bytea[],
    p_progressed integer[],
    p_ends integer[], p_statuses text[], p_outcomes bytea[], p_messages uuid[], p_subject text,
    p_changes integer[], p_conversations uuid[], p_names text[], p_seqs bigint[], p_values bytea[],
    p_told integer[], p_targets uuid[], p_commands uuid[], p_kinds text[], p_bodies bytea[]
) RETURNS integer[] LANGUAGE plpgsql VOLATILE SECURITY INVOKER
-- As in commit_batch.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_lost integer[];
    v_told record;
BEGIN
    PERFORM set_config(
        'heddle.tenants',
        array_to_string(ARRAY(SELECT DISTINCT t FROM unnest(p_tenants) AS t), ','), true);
    -- All runs first, also those that are told something, in the order of their ids.
    PERFORM 1
    FROM (SELECT p_tenants[place] AS t, p_runs[place] AS i
          FROM generate_subscripts(p_runs, 1) AS place
          UNION
          SELECT p_tenants[c.place], c.target FROM unnest(p_told, p_targets) AS c(place, target)
         ) AS named
    JOIN engine.runs r ON r.tenant_id = named.t AND r.run_id = named.i
    ORDER BY r.run_id FOR NO KEY UPDATE OF r;
    v_lost := engine.commit_batch_with_variables(
        p_worker, p_tenants, p_runs, p_epochs, p_firsts, p_lasts, p_batches, p_bytes, p_progressed,
        p_ends, p_statuses, p_outcomes, p_messages, p_subject,
        p_changes, p_conversations, p_names, p_seqs, p_values);
    FOR v_told IN
        SELECT p_tenants[c.place] AS t, c.target, c.command, c.kind, c.body
        FROM unnest(p_told, p_targets, p_commands, p_kinds, p_bodies)
            AS c(place, target, command, kind, body)
        WHERE c.place <> ALL (v_lost) ORDER BY c.target
    LOOP
        -- A statement of its own: a child may have been accepted while the locks were waited for.
        IF EXISTS (SELECT 1 FROM engine.runs r
                   WHERE r.tenant_id = v_told.t AND r.run_id = v_told.target
                     AND NOT engine.has_ended(r.status)) THEN
            PERFORM engine.put_command(
                v_told.t, v_told.target, v_told.command, v_told.kind, v_told.body);
        END IF;
    END LOOP;
    RETURN v_lost;
END $$
