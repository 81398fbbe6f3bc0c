-- The smallest UUIDv7 of an instant: 48 bits of milliseconds, then zeros.
CREATE FUNCTION engine.lowest_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;
--;;
-- Makes the partitions from last month to p_ahead months from now. Definer's rights: services
-- may call it, and may not create tables.
CREATE FUNCTION engine.ensure_journal_months(p_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_this date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_month date;
    v_lower uuid;
    v_upper uuid;
    v_made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('engine.journal_months', 0));
    FOR v_step IN -1 .. p_ahead LOOP
        v_month := (v_this + make_interval(months => v_step))::date;
        CONTINUE WHEN EXISTS (SELECT 1 FROM engine.journal_months WHERE month = v_month);
        v_lower := engine.lowest_id(v_month::timestamp AT TIME ZONE 'UTC');
        v_upper := engine.lowest_id(
            (v_month + make_interval(months => 1))::timestamp AT TIME ZONE 'UTC');
        EXECUTE format(
            'CREATE TABLE engine.%I PARTITION OF engine.journal FOR VALUES FROM (%L) TO (%L)',
            'journal_' || to_char(v_month, 'YYYY_MM'), v_lower, v_upper);
        EXECUTE format(
            'ALTER TABLE engine.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
            'journal_' || to_char(v_month, 'YYYY_MM'));
        INSERT INTO engine.journal_months VALUES (v_month, v_lower, v_upper);
        v_made := v_made + 1;
    END LOOP;
    RETURN v_made;
END $$;
