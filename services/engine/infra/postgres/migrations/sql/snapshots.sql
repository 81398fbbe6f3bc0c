-- Stores a run's snapshot in place of its older one, for its present owner only. An epoch has one
-- owner, so that it stands for both. Returns whether it is the stored one now.
CREATE FUNCTION engine.keep_snapshot(
    p_tenant uuid, p_run uuid, p_epoch bigint, p_seq bigint, p_fold_version integer, p_bytes bytea
) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    -- One that is lost costs a longer fold and nothing else.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Against the run's end, which deletes its snapshot: none may come after it.
    PERFORM FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch AND status = 'running'
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO engine.snapshots AS stored (tenant_id, run_id, epoch, seq, fold_version, bytes)
    VALUES (p_tenant, p_run, p_epoch, p_seq, p_fold_version, p_bytes)
    ON CONFLICT (tenant_id, run_id) DO UPDATE
    SET epoch = excluded.epoch, seq = excluded.seq, fold_version = excluded.fold_version,
        bytes = excluded.bytes
    WHERE (stored.epoch, stored.seq) < (excluded.epoch, excluded.seq);
    RETURN FOUND;
END $$
