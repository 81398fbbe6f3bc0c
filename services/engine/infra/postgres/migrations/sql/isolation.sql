-- Makes a run of p_worker the run of p_to, an incarnation with a lease. Null when it is no longer
-- p_worker's. A repeat of a try whose answer got lost finds it handed over already.
CREATE FUNCTION engine.hand_over(
    p_worker uuid, p_tenant uuid, p_run uuid, p_epoch bigint, p_to uuid
) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    UPDATE engine.runs
    SET owner = p_to, epoch = p_epoch + 1, claimed_at = clock_timestamp()
    WHERE tenant_id = p_tenant AND run_id = p_run
      AND ((owner = p_worker AND epoch = p_epoch) OR (owner = p_to AND epoch = p_epoch + 1))
      AND engine.is_alive(p_to);
    RETURN CASE WHEN FOUND THEN p_epoch + 1 END;
END $$;
--;;
-- Keeps how p_worker died with a run that nobody has taken over yet.
CREATE FUNCTION engine.note_death(
    p_worker uuid, p_tenant uuid, p_run uuid, p_epoch bigint, p_evidence text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    UPDATE engine.runs SET evidence = p_evidence
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch
      AND owner = p_worker;
END $$;
--;;
-- Queues a run that was set aside, its takeovers forgotten; once by command. The status is null
-- when there is no such run; `applied` also when an earlier try of the same command did it.
CREATE FUNCTION engine.resume_run(
    p_tenant uuid, p_run uuid, p_command uuid, p_body bytea,
    OUT applied boolean, OUT run_status text, OUT run_epoch bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT status, epoch INTO run_status, run_epoch FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run FOR UPDATE;
    -- A statement of its own: the one above may have waited for an earlier try.
    applied := EXISTS (
        SELECT 1 FROM engine.run_commands
        WHERE tenant_id = p_tenant AND run_id = p_run AND command_id = p_command
          AND kind = 'resume');
    IF applied OR run_status IS NULL OR run_status NOT IN ('quarantined', 'incompatible') THEN
        RETURN;
    END IF;
    INSERT INTO engine.run_commands (tenant_id, run_id, command_id, kind, body, drained_at)
    VALUES (p_tenant, p_run, p_command, 'resume', p_body, clock_timestamp());
    UPDATE engine.runs SET status = 'queued', takeovers = 0
    WHERE tenant_id = p_tenant AND run_id = p_run;
    applied := true;
    run_status := 'queued';
END $$;
