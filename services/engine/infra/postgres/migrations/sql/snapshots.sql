-- Compressing JSON of this size takes Postgres longer than writing it down.
ALTER TABLE engine.snapshots ALTER COLUMN bytes SET STORAGE EXTERNAL;
--;;
-- Stores a run's snapshot in place of its older one, for its present owner only. An epoch has one
-- owner, so that it stands for both. Returns whether it is the stored one now.
CREATE FUNCTION engine.keep_snapshot(
    p_tenant uuid, p_run uuid, p_epoch bigint, p_seq bigint, p_fold_version integer, p_bytes bytea
) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
    v_kept boolean;
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    -- One that is lost costs a longer fold and nothing else.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO engine.snapshots AS stored (tenant_id, run_id, epoch, seq, fold_version, bytes)
    SELECT p_tenant, p_run, p_epoch, p_seq, p_fold_version, p_bytes
    FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch AND owner IS NOT NULL
    ON CONFLICT (tenant_id, run_id) DO UPDATE
    SET epoch = excluded.epoch, seq = excluded.seq, fold_version = excluded.fold_version,
        bytes = excluded.bytes
    WHERE (stored.epoch, stored.seq) < (excluded.epoch, excluded.seq);
    v_kept := FOUND;
    -- The run may have ended meanwhile, with its snapshot deleted: then this one must not stay.
    -- Asked last, for writing takes long and claims and ends of the run must not wait for it. The
    -- run's row is not the first one locked here, so it is not waited for either.
    PERFORM FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch AND owner IS NOT NULL
    FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN
        RAISE no_data_found;
    END IF;
    RETURN v_kept;
EXCEPTION WHEN no_data_found THEN
    RETURN false;
END $$
