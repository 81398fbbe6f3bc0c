-- All leases are judged by the database's clock.
CREATE FUNCTION engine.beat(p_worker uuid, p_seconds double precision) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO engine.workers AS w (worker_id, lease_until)
    VALUES (p_worker, clock_timestamp() + make_interval(secs => p_seconds))
    ON CONFLICT (worker_id) DO UPDATE SET lease_until = excluded.lease_until
$$;
--;;
CREATE FUNCTION engine.is_alive(p_worker uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM engine.workers
        WHERE worker_id = p_worker AND lease_until > clock_timestamp())
$$;
