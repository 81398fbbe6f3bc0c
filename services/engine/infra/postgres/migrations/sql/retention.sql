-- A month goes in steps, each a short transaction of its own: closed (no run of it is accepted any
-- more), detached (nothing reads or writes it), dropped.
ALTER TABLE engine.journal_months
    ADD COLUMN closed_at timestamptz, ADD COLUMN detached_at timestamptz,
    ADD COLUMN dropped_at timestamptz;
--;;
-- What retiring months has to know of runs: that there are some which have not ended.
CREATE POLICY owner_sees_live ON engine.runs FOR SELECT TO heddle_owner
USING (status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible'));
--;;
-- Takes one step with the oldest month that p_keep whole months before this one do not cover, and in
-- which no run is live. `step`: dropped, detached, closed, reopened, busy (somebody else is at it),
-- or null when nothing is to be done; `held` counts the months that live runs hold. p_settle: how
-- long an acceptance can take that began before the month was closed.
--
-- Definer's rights: services may call it, and may not drop tables. The lock on the journal is waited
-- for briefly: while it waits, commits wait behind it.
CREATE FUNCTION engine.retire_journal_month(
    p_keep integer, p_settle interval, OUT step text, OUT retired date, OUT held integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
    v_first date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')
        - make_interval(months => greatest(p_keep, 1));
    v_month record;
    v_live boolean;
BEGIN
    held := 0;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('engine.retire_journal_month', 0)) THEN
        step := 'busy';
        RETURN;
    END IF;
    SELECT m.month INTO retired FROM engine.journal_months m
    WHERE m.detached_at IS NOT NULL AND m.dropped_at IS NULL ORDER BY m.month LIMIT 1;
    IF FOUND THEN
        -- After the detaching has committed: deleting large files must not hold the journal's lock.
        EXECUTE format('DROP TABLE IF EXISTS engine.%I', 'journal_' || to_char(retired, 'YYYY_MM'));
        UPDATE engine.journal_months m SET dropped_at = clock_timestamp() WHERE m.month = retired;
        step := 'dropped';
        RETURN;
    END IF;
    FOR v_month IN
        SELECT * FROM engine.journal_months m
        WHERE m.month < v_first AND m.detached_at IS NULL ORDER BY m.month
    LOOP
        v_live := EXISTS (
            SELECT 1 FROM engine.runs r
            WHERE r.run_id >= v_month.lower_id AND r.run_id < v_month.upper_id
              AND r.status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible'));
        IF v_live THEN
            held := held + 1;
            CONTINUE WHEN v_month.closed_at IS NULL;
            -- Accepted while the month was being closed.
            step := 'reopened';
            UPDATE engine.journal_months m SET closed_at = NULL WHERE m.month = v_month.month;
        ELSIF v_month.closed_at IS NULL THEN
            step := 'closed';
            UPDATE engine.journal_months m SET closed_at = clock_timestamp()
            WHERE m.month = v_month.month;
        ELSIF v_month.closed_at <= clock_timestamp() - p_settle THEN
            step := 'detached';
            EXECUTE format('ALTER TABLE engine.journal DETACH PARTITION engine.%I',
                'journal_' || to_char(v_month.month, 'YYYY_MM'));
            UPDATE engine.journal_months m SET detached_at = clock_timestamp()
            WHERE m.month = v_month.month;
        ELSE
            CONTINUE;
        END IF;
        retired := v_month.month;
        RETURN;
    END LOOP;
END $$;
--;;
REVOKE EXECUTE ON FUNCTION engine.retire_journal_month(integer, interval) FROM PUBLIC;
--;;
GRANT EXECUTE ON FUNCTION engine.retire_journal_month(integer, interval) TO heddle_app
