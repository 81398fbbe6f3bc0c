-- Runs of one conversation that go one after another, as they were accepted: all but the first wait
-- for their turn, `queued` and out of the pickers' sight.
ALTER TABLE engine.runs
    ADD COLUMN turn_of uuid, ADD COLUMN waits_turn boolean NOT NULL DEFAULT false;
--;;
CREATE INDEX runs_turns ON engine.runs (tenant_id, turn_of, accepted_at, run_id)
WHERE turn_of IS NOT NULL
  AND status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible');
--;;
DROP INDEX engine.runs_queue;
--;;
CREATE INDEX runs_queue ON engine.runs (tenant_id, app_id, accepted_at)
WHERE status = 'queued' AND NOT waits_turn;
--;;
GRANT SELECT (waits_turn) ON engine.runs TO heddle_sweeper;
--;;
-- The next p_most groups (tenant, app) with queued runs after a cursor, without the tenants in
-- p_passing: one index probe a group, or a tenant to be passed over, however long each group's queue
-- is. For heddle_sweeper.
CREATE OR REPLACE FUNCTION engine.queued_groups(
    p_after_tenant uuid, p_after_app uuid, p_most integer, p_passing uuid[]
) RETURNS TABLE (tenant_id uuid, app_id uuid)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE walk AS (
        (SELECT r.tenant_id, r.app_id FROM engine.runs r
         WHERE r.status = 'queued' AND NOT r.waits_turn
           AND (r.tenant_id, r.app_id) > (p_after_tenant, p_after_app)
         ORDER BY r.tenant_id, r.app_id LIMIT 1)
        UNION ALL
        SELECT n.tenant_id, n.app_id FROM walk w CROSS JOIN LATERAL (
            SELECT r.tenant_id, r.app_id FROM engine.runs r
            WHERE r.status = 'queued' AND NOT r.waits_turn
              AND (r.tenant_id, r.app_id) > (w.tenant_id, CASE
                WHEN w.tenant_id = ANY (p_passing) THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                ELSE w.app_id END)
            ORDER BY r.tenant_id, r.app_id LIMIT 1) n
    )
    SELECT w.tenant_id, w.app_id FROM walk w WHERE w.tenant_id <> ALL (p_passing) LIMIT p_most
$$;
--;;
-- Held by whoever accepts a run of the conversation or passes its turn on, behind the locks of runs:
-- neither may miss what the other is about to commit.
CREATE FUNCTION engine.lock_turns(p_tenant uuid, p_conversation uuid) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_tenant::text || p_conversation::text, 1))
$$;
--;;
-- Runs of these conversations have ended: the oldest that waits in each has its turn, unless another
-- one has it. Part of commit_batch.
CREATE FUNCTION engine.pass_turns(p_tenants uuid[], p_conversations uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_each record;
BEGIN
    -- In one order, so that no two groups wait in a circle.
    FOR v_each IN
        SELECT DISTINCT c.tenant, c.conversation FROM unnest(p_tenants, p_conversations)
            AS c(tenant, conversation) ORDER BY 1, 2
    LOOP
        PERFORM engine.lock_turns(v_each.tenant, v_each.conversation);
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM engine.runs
            WHERE tenant_id = v_each.tenant AND turn_of = v_each.conversation AND NOT waits_turn
              AND status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible'));
        UPDATE engine.runs SET waits_turn = false
        WHERE tenant_id = v_each.tenant AND run_id = (
            SELECT run_id FROM engine.runs
            WHERE tenant_id = v_each.tenant AND turn_of = v_each.conversation AND waits_turn
              AND status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible')
            ORDER BY accepted_at, run_id LIMIT 1);
    END LOOP;
END $$
