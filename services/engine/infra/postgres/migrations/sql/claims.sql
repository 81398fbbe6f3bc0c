-- True when the group may have one more running run; holds the group's lock until the end of the
-- transaction, so that two workers cannot both take the last place.
CREATE OR REPLACE FUNCTION engine.group_has_room(p_tenant uuid, p_app uuid, p_limit integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF p_limit IS NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text || p_app::text, 0));
    -- A statement of its own: the one above may have waited, and its snapshot is older.
    RETURN (SELECT count(*) < p_limit FROM (
        SELECT FROM engine.runs
        WHERE tenant_id = p_tenant AND app_id = p_app AND status = 'running' LIMIT p_limit) AS taken);
END $$;
--;;
-- Claims the oldest queued run of each named group.
CREATE OR REPLACE FUNCTION engine.claim_queued(
    p_worker uuid, p_tenants uuid[], p_apps uuid[], p_group_limit integer
) RETURNS TABLE (
    tenant_id uuid, run_id uuid, app_id uuid, epoch bigint, request bytea, takeovers integer,
    accepted_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_group record;
BEGIN
    PERFORM set_config('heddle.tenants', array_to_string(p_tenants, ','), true);
    IF NOT engine.is_alive(p_worker) THEN
        RETURN;
    END IF;
    -- Always in the same order: two workers whose cursors differ would deadlock on the locks.
    FOR v_group IN SELECT g.t, g.a FROM unnest(p_tenants, p_apps) AS g(t, a) ORDER BY g.t, g.a LOOP
        CONTINUE WHEN NOT engine.group_has_room(v_group.t, v_group.a, p_group_limit);
        -- Materialized: joined directly, a plan may ask it once a row, and each answer differs.
        RETURN QUERY
            WITH oldest AS MATERIALIZED (
                SELECT q.run_id AS picked FROM engine.runs q
                WHERE q.tenant_id = v_group.t AND q.app_id = v_group.a AND q.status = 'queued'
                  AND NOT q.waits_turn
                ORDER BY q.accepted_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            UPDATE engine.runs r
            SET status = 'running', epoch = r.epoch + 1, owner = p_worker,
                claimed_at = clock_timestamp()
            FROM oldest WHERE r.tenant_id = v_group.t AND r.run_id = oldest.picked
            RETURNING r.tenant_id, r.run_id, r.app_id, r.epoch, r.request, r.takeovers,
                      r.accepted_at;
    END LOOP;
END $$;
--;;
-- Running runs whose owner's lease has run out, and those that p_worker owns but does not drive
-- (p_driven null: leave its own alone). One index probe an owner: the runs of the living are not
-- read. For heddle_sweeper.
CREATE OR REPLACE FUNCTION engine.orphaned_runs(p_worker uuid, p_driven uuid[], p_most integer)
RETURNS TABLE (tenant_id uuid, run_id uuid)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE owners AS (
        (SELECT r.owner FROM engine.runs r WHERE r.status = 'running' ORDER BY r.owner LIMIT 1)
        UNION ALL
        SELECT n.owner FROM owners o CROSS JOIN LATERAL (
            SELECT r.owner FROM engine.runs r
            WHERE r.status = 'running' AND r.owner > o.owner ORDER BY r.owner LIMIT 1) n
    ), left_alone AS (
        SELECT o.owner FROM owners o WHERE CASE WHEN o.owner = p_worker
            THEN p_driven IS NOT NULL ELSE NOT engine.is_alive(o.owner) END
    )
    SELECT found.tenant_id, found.run_id FROM left_alone l CROSS JOIN LATERAL (
        SELECT r.tenant_id, r.run_id FROM engine.runs r
        WHERE r.status = 'running' AND r.owner = l.owner
          AND (l.owner <> p_worker OR r.run_id <> ALL (p_driven))
        LIMIT p_most) found
    LIMIT p_most
$$;
--;;
-- Takes over the named runs where that is still due. A takeover is counted against the run only
-- when another worker died with it.
CREATE OR REPLACE FUNCTION engine.claim_orphaned(p_worker uuid, p_tenants uuid[], p_runs uuid[])
RETURNS TABLE (
    tenant_id uuid, run_id uuid, app_id uuid, epoch bigint, request bytea, takeovers integer,
    accepted_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('heddle.tenants', array_to_string(p_tenants, ','), true);
    IF NOT engine.is_alive(p_worker) THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH due AS MATERIALIZED (
            SELECT q.tenant_id AS t, q.run_id AS i
            FROM unnest(p_tenants, p_runs) AS named(t, i)
            JOIN engine.runs q ON q.tenant_id = named.t AND q.run_id = named.i
            WHERE q.owner IS NOT NULL
              AND (q.owner = p_worker OR NOT engine.is_alive(q.owner))
            ORDER BY q.run_id FOR UPDATE OF q SKIP LOCKED
        )
        UPDATE engine.runs r
        SET epoch = r.epoch + 1, owner = p_worker, claimed_at = clock_timestamp(),
            takeovers = r.takeovers + CASE WHEN r.owner = p_worker THEN 0 ELSE 1 END
        FROM due WHERE r.tenant_id = due.t AND r.run_id = due.i
        RETURNING r.tenant_id, r.run_id, r.app_id, r.epoch, r.request, r.takeovers, r.accepted_at;
END $$;
--;;
-- Hands runs back, oldest first in their groups' queues again. Returns how many were still ours.
CREATE OR REPLACE FUNCTION engine.release_runs(
    p_worker uuid, p_tenants uuid[], p_runs uuid[], p_epochs bigint[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM set_config('heddle.tenants', array_to_string(p_tenants, ','), true);
    PERFORM 1 FROM unnest(p_tenants, p_runs) AS named(t, i)
        JOIN engine.runs r ON r.tenant_id = named.t AND r.run_id = named.i
        ORDER BY r.run_id FOR UPDATE OF r;
    UPDATE engine.runs r SET status = 'queued', owner = NULL
    FROM unnest(p_tenants, p_runs, p_epochs) AS named(t, i, e)
    WHERE r.tenant_id = named.t AND r.run_id = named.i AND r.epoch = named.e
      AND r.owner = p_worker;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
--;;
-- Takes a run out of circulation under its owner's epoch: quarantined or incompatible.
CREATE OR REPLACE FUNCTION engine.set_aside(
    p_worker uuid, p_tenant uuid, p_run uuid, p_epoch bigint, p_status text, p_evidence text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    UPDATE engine.runs SET status = p_status, owner = NULL, evidence = p_evidence
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch
      AND owner = p_worker;
    RETURN FOUND;
END $$;
