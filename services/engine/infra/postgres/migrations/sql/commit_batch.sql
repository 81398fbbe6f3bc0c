-- The end of runs, with the fact in the outbox. Part of commit_batch: the rows are locked.
CREATE OR REPLACE FUNCTION engine.end_runs(
    p_tenants uuid[], p_runs uuid[], p_epochs bigint[],
    p_ends integer[], p_statuses text[], p_outcomes bytea[], p_messages uuid[], p_subject text,
    p_lost integer[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_tenants uuid[];
    v_turns uuid[];
BEGIN
    WITH ended AS (
        UPDATE engine.runs r
        SET status = e.status, outcome = e.outcome, owner = NULL, finished_at = clock_timestamp()
        FROM unnest(p_ends, p_statuses, p_outcomes, p_messages) AS e(place, status, outcome, id)
        WHERE r.tenant_id = p_tenants[e.place] AND r.run_id = p_runs[e.place]
          AND r.epoch = p_epochs[e.place] AND r.owner IS NOT NULL AND e.place <> ALL (p_lost)
        RETURNING r.tenant_id, e.id, e.outcome, r.turn_of
    ), told AS (
        INSERT INTO engine.outbox (id, tenant_id, subject, body)
        SELECT id, tenant_id, p_subject, outcome FROM ended
    )
    SELECT array_agg(tenant_id), array_agg(turn_of) INTO v_tenants, v_turns
    FROM ended WHERE turn_of IS NOT NULL;
    IF v_turns IS NOT NULL THEN
        PERFORM engine.pass_turns(v_tenants, v_turns);
    END IF;
END $$;
--;;
-- The group commit of one worker: journal rows of many runs, with the ends of some of them, in one
-- round trip. Position i of the first arrays is one run's row, in the order of run ids; p_progressed
-- and p_ends hold positions in them, and each end brings a status, its outcome, and the id of its
-- outbox row. Returns the positions that were lost: their run has another owner, another status, or
-- other rows at that place. A row that is there already with our batch_id is taken: an earlier try
-- had committed and its answer got lost.
CREATE OR REPLACE FUNCTION engine.commit_batch(
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
    v_inserted integer;
    v_lost integer[] := '{}';
BEGIN
    PERFORM set_config(
        'heddle.tenants',
        array_to_string(ARRAY(SELECT DISTINCT t FROM unnest(p_tenants) AS t), ','), true);
    INSERT INTO engine.journal (tenant_id, run_id, first_seq, last_seq, epoch, batch_id, bytes)
    SELECT i.tenant_id, i.run_id, i.first_seq, i.last_seq, i.epoch, i.batch_id, i.bytes
    FROM unnest(p_tenants, p_runs, p_epochs, p_firsts, p_lasts, p_batches, p_bytes)
        AS i(tenant_id, run_id, epoch, first_seq, last_seq, batch_id, bytes)
    -- Without the lock, READ COMMITTED lets a stale owner slip a row in beside the new owner's
    -- first read. A lateral look-up takes the locks in the order of the arrays. Only a running run
    -- has an owner; its status is not asked for, because that lets the planner take the index of all
    -- running runs in place of the key, and read them all for each row.
    CROSS JOIN LATERAL (
        SELECT FROM engine.runs r
        WHERE r.tenant_id = i.tenant_id AND r.run_id = i.run_id
          AND r.epoch = i.epoch AND r.owner = p_worker
        FOR SHARE
    ) AS held
    ON CONFLICT (tenant_id, run_id, first_seq) DO NOTHING;
    GET DIAGNOSTICS v_inserted = ROW_COUNT;
    IF v_inserted < cardinality(p_runs) THEN
        SELECT coalesce(array_agg(place), '{}') INTO v_lost
        FROM generate_subscripts(p_runs, 1) AS place
        WHERE NOT EXISTS (
            SELECT 1 FROM engine.journal j
            WHERE j.tenant_id = p_tenants[place] AND j.run_id = p_runs[place]
              AND j.first_seq = p_firsts[place] AND j.batch_id = p_batches[place]);
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
        -- Here, where its plan is kept: the ends of short runs must not pay for a new one.
        DELETE FROM engine.snapshots s
        USING unnest(p_ends) AS place
        WHERE s.tenant_id = p_tenants[place] AND s.run_id = p_runs[place]
          AND place <> ALL (v_lost);
    END IF;
    RETURN v_lost;
END $$;
