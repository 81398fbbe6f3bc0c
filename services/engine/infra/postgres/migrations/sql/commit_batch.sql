-- The end of runs, with the fact in the outbox. Part of commit_batch: the rows are locked.
CREATE FUNCTION engine.end_runs(
    p_tenants uuid[], p_runs uuid[], p_epochs bigint[],
    p_ends integer[], p_statuses text[], p_outcomes bytea[], p_messages uuid[], p_subject text,
    p_lost integer[]
) RETURNS void LANGUAGE sql AS $$
    WITH ended AS (
        UPDATE engine.runs r
        SET status = e.status, outcome = e.outcome, owner = NULL, finished_at = clock_timestamp()
        FROM unnest(p_ends, p_statuses, p_outcomes, p_messages) AS e(place, status, outcome, id)
        WHERE r.tenant_id = p_tenants[e.place] AND r.run_id = p_runs[e.place]
          AND r.epoch = p_epochs[e.place] AND r.status = 'running' AND e.place <> ALL (p_lost)
        RETURNING r.tenant_id, e.id, e.outcome
    )
    INSERT INTO engine.outbox (id, tenant_id, subject, body)
    SELECT id, tenant_id, p_subject, outcome FROM ended
$$;
--;;
-- The group commit of one worker: journal rows of many runs, with the ends of some of them, in one
-- round trip. Position i of the first arrays is one run's row; p_progressed and p_ends hold
-- positions in them, and each end brings a status, its outcome, and the id of its outbox row.
-- Returns the positions that were lost: their run has another owner, another status, or other rows
-- at that place. A row that is there already with our batch_id is taken: an earlier try had
-- committed and its answer got lost.
CREATE FUNCTION engine.commit_batch(
    p_worker uuid,
    p_tenants uuid[], p_runs uuid[], p_epochs bigint[], p_firsts bigint[], p_lasts bigint[],
    p_batches bigint[], p_bytes bytea[],
    p_progressed integer[],
    p_ends integer[], p_statuses text[], p_outcomes bytea[], p_messages uuid[], p_subject text
) RETURNS integer[] LANGUAGE plpgsql VOLATILE SECURITY INVOKER
-- The arrays are small and the tables are not; a plan cached over empty tables must not scan.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
-- Planning for every new array costs as much as the rest of a small group.
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_missing integer[];
    v_lost integer[] := '{}';
BEGIN
    PERFORM set_config(
        'heddle.tenants',
        array_to_string(ARRAY(SELECT DISTINCT t FROM unnest(p_tenants) AS t), ','), true);
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(
            p_tenants, p_runs, p_epochs, p_firsts, p_lasts, p_batches, p_bytes
        ) WITH ORDINALITY AS i(
            tenant_id, run_id, epoch, first_seq, last_seq, batch_id, bytes, place)
    ), held AS MATERIALIZED (
        -- Without the lock, READ COMMITTED lets a stale owner slip a row in beside the new
        -- owner's first read.
        SELECT i.place, r.epoch, r.owner, r.status
        FROM input i JOIN engine.runs r
          ON r.tenant_id = i.tenant_id AND r.run_id = i.run_id
        ORDER BY r.run_id FOR SHARE OF r
    ), inserted AS (
        INSERT INTO engine.journal (
            tenant_id, run_id, first_seq, last_seq, epoch, batch_id, bytes)
        SELECT i.tenant_id, i.run_id, i.first_seq, i.last_seq, i.epoch, i.batch_id, i.bytes
        FROM held h JOIN input i ON i.place = h.place
        WHERE h.epoch = i.epoch AND h.owner = p_worker AND h.status = 'running'
        ON CONFLICT (tenant_id, run_id, first_seq) DO NOTHING
        RETURNING batch_id
    )
    SELECT array_agg(i.place) INTO v_missing
    FROM input i WHERE i.batch_id NOT IN (SELECT batch_id FROM inserted);
    IF v_missing IS NOT NULL THEN
        SELECT coalesce(array_agg(m), '{}') INTO v_lost FROM unnest(v_missing) AS m
        WHERE NOT EXISTS (
            SELECT 1 FROM engine.journal j
            WHERE j.tenant_id = p_tenants[m] AND j.run_id = p_runs[m]
              AND j.first_seq = p_firsts[m] AND j.batch_id = p_batches[m]);
    END IF;
    IF cardinality(p_progressed) > 0 THEN
        UPDATE engine.runs r SET takeovers = 0
        FROM unnest(p_progressed) AS place
        WHERE r.tenant_id = p_tenants[place] AND r.run_id = p_runs[place]
          AND r.epoch = p_epochs[place] AND place <> ALL (v_lost);
    END IF;
    IF cardinality(p_ends) > 0 THEN
        PERFORM engine.end_runs(
            p_tenants, p_runs, p_epochs, p_ends, p_statuses, p_outcomes, p_messages, p_subject,
            v_lost);
    END IF;
    RETURN v_lost;
END $$;
