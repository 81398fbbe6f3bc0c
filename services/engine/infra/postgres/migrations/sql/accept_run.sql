-- Idempotent by run id. The verdict: workflow_unknown, id_out_of_range, known, queued, claimed,
-- waits (queued, and it is not its turn).
-- p_worker is a worker with room, or null; it gets the run at once when nobody of the same group
-- waits. p_group_limit bounds the running runs of a group, null for no limit. p_turn_of is the
-- conversation whose runs go one after another, null for none.
CREATE OR REPLACE FUNCTION engine.accept_run(
    p_tenant uuid, p_run uuid, p_app uuid, p_shard smallint, p_hash text, p_request bytea,
    p_worker uuid, p_group_limit integer, p_turn_of uuid DEFAULT NULL,
    OUT verdict text, OUT run_status text, OUT run_epoch bigint, OUT run_accepted_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_worker uuid := p_worker;
    v_waits boolean := false;
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT status, epoch, accepted_at INTO run_status, run_epoch, run_accepted_at
    FROM engine.runs WHERE tenant_id = p_tenant AND run_id = p_run;
    IF FOUND THEN
        verdict := 'known';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM engine.workflows
                   WHERE tenant_id = p_tenant AND content_hash = p_hash) THEN
        verdict := 'workflow_unknown';
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM engine.journal_months
                   WHERE lower_id <= p_run AND p_run < upper_id AND closed_at IS NULL) THEN
        verdict := 'id_out_of_range';
        RETURN;
    END IF;
    IF p_turn_of IS NOT NULL THEN
        PERFORM engine.lock_turns(p_tenant, p_turn_of);
        -- A statement of its own: the lock may have waited for an end, which its snapshot misses.
        v_waits := EXISTS (
            SELECT 1 FROM engine.runs WHERE tenant_id = p_tenant AND turn_of = p_turn_of
              AND status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible'));
    END IF;
    IF v_worker IS NOT NULL AND (
        v_waits OR EXISTS (SELECT 1 FROM engine.runs
                WHERE tenant_id = p_tenant AND app_id = p_app AND status = 'queued'
                  AND NOT waits_turn)
        OR NOT engine.is_alive(v_worker)
        OR NOT engine.group_has_room(p_tenant, p_app, p_group_limit)
    ) THEN
        v_worker := NULL;
    END IF;
    INSERT INTO engine.runs (
        tenant_id, run_id, app_id, shard, status, epoch, owner, workflow_hash, request, claimed_at,
        turn_of, waits_turn)
    VALUES (
        p_tenant, p_run, p_app, p_shard,
        CASE WHEN v_worker IS NULL THEN 'queued' ELSE 'running' END,
        CASE WHEN v_worker IS NULL THEN 0 ELSE 1 END,
        v_worker, p_hash, p_request,
        CASE WHEN v_worker IS NULL THEN NULL ELSE clock_timestamp() END, p_turn_of, v_waits)
    ON CONFLICT (tenant_id, run_id) DO NOTHING
    RETURNING status, epoch, accepted_at INTO run_status, run_epoch, run_accepted_at;
    IF FOUND THEN
        verdict := CASE WHEN v_waits THEN 'waits' WHEN v_worker IS NULL THEN 'queued'
                   ELSE 'claimed' END;
        RETURN;
    END IF;
    SELECT status, epoch, accepted_at INTO run_status, run_epoch, run_accepted_at
    FROM engine.runs WHERE tenant_id = p_tenant AND run_id = p_run;
    verdict := 'known';
END $$;
