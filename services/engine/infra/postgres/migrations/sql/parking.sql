-- Forms that people answer. `shown` and `inputs` are JSON, sealed where the engine has a master key.
CREATE TABLE engine.forms (
    tenant_id uuid NOT NULL,
    form_id uuid NOT NULL,
    run_id uuid NOT NULL,
    app_id uuid NOT NULL,
    node_id text NOT NULL,
    frame_path text NOT NULL,
    effect_key text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN (
        'open', 'submitted', 'expired', 'withdrawn'
    )),
    title text NOT NULL,
    digest text NOT NULL,
    shown bytea NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    acted_at timestamptz,
    actor text,
    action text,
    inputs bytea,
    command_id uuid,
    PRIMARY KEY (tenant_id, form_id)
);
--;;
CREATE INDEX forms_of_run ON engine.forms (tenant_id, run_id, opened_at);
--;;
CREATE INDEX forms_newest ON engine.forms (tenant_id, opened_at DESC, form_id DESC);
--;;
CREATE FUNCTION engine.has_ended(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_status IN ('succeeded', 'partial-succeeded', 'failed', 'stopped')
$$;
--;;
-- What a form's status means now.
CREATE FUNCTION engine.form_stands(p_form text, p_run text, p_expires timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_form <> 'open' THEN p_form
                WHEN engine.has_ended(p_run) THEN 'withdrawn'
                WHEN p_expires <= clock_timestamp() THEN 'expired'
                ELSE 'open' END
$$;
--;;
CREATE FUNCTION engine.form_opened(p_tenant uuid, p_form uuid) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT opened_at FROM engine.forms WHERE tenant_id = p_tenant AND form_id = p_form
$$;
--;;
-- Stores a command once and queues its run if that is parked. The caller holds the run's row.
CREATE FUNCTION engine.put_command(
    p_tenant uuid, p_run uuid, p_command uuid, p_kind text, p_body bytea
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO engine.run_commands (tenant_id, run_id, command_id, kind, body)
    VALUES (p_tenant, p_run, p_command, p_kind, p_body)
    ON CONFLICT (tenant_id, run_id, command_id) DO NOTHING;
    UPDATE engine.runs SET status = 'queued'
    WHERE tenant_id = p_tenant AND run_id = p_run AND status = 'parked'
      AND EXISTS (
        SELECT 1 FROM engine.run_commands
        WHERE tenant_id = p_tenant AND run_id = p_run AND command_id = p_command
          AND drained_at IS NULL);
$$;
--;;
-- A command to a run. The status is null when there is no such run; a run that has ended gets none.
-- FOR KEY SHARE: parking waits for us and then sees the command, or we wait and see it parked.
CREATE OR REPLACE FUNCTION engine.add_command(
    p_tenant uuid, p_run uuid, p_command uuid, p_kind text, p_body bytea,
    OUT applied boolean, OUT run_status text, OUT run_epoch bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT status, epoch INTO run_status, run_epoch FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run FOR KEY SHARE;
    applied := run_status IS NOT NULL AND NOT engine.has_ended(run_status);
    IF applied THEN
        PERFORM engine.put_command(p_tenant, p_run, p_command, p_kind, p_body);
        IF p_kind = 'abort' THEN
            -- It ends out of turn: it begins nothing.
            UPDATE engine.runs SET waits_turn = false
            WHERE tenant_id = p_tenant AND run_id = p_run AND waits_turn;
        END IF;
        SELECT status INTO run_status FROM engine.runs
        WHERE tenant_id = p_tenant AND run_id = p_run;
    END IF;
END $$;
--;;
-- Lets a run go on: one that was set aside is queued, its takeovers forgotten; one whose last word
-- on pausing is a pause gets the command. `applied` also when an earlier try of the same command did it.
CREATE OR REPLACE FUNCTION engine.resume_run(
    p_tenant uuid, p_run uuid, p_command uuid, p_body bytea,
    OUT applied boolean, OUT run_status text, OUT run_epoch bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_last text;
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT status, epoch INTO run_status, run_epoch FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run FOR UPDATE;
    -- A statement of its own: the one above may have waited for an earlier try.
    applied := EXISTS (
        SELECT 1 FROM engine.run_commands
        WHERE tenant_id = p_tenant AND run_id = p_run AND command_id = p_command
          AND kind IN ('resume', 'requeue'));
    IF applied OR run_status IS NULL OR engine.has_ended(run_status) THEN
        RETURN;
    END IF;
    IF run_status IN ('quarantined', 'incompatible') THEN
        INSERT INTO engine.run_commands (tenant_id, run_id, command_id, kind, body, drained_at)
        VALUES (p_tenant, p_run, p_command, 'requeue', p_body, clock_timestamp());
        UPDATE engine.runs SET status = 'queued', takeovers = 0
        WHERE tenant_id = p_tenant AND run_id = p_run;
        applied := true;
    ELSE
        SELECT kind INTO v_last FROM engine.run_commands
        WHERE tenant_id = p_tenant AND run_id = p_run AND kind IN ('pause', 'resume')
        ORDER BY sent_at DESC LIMIT 1;
        applied := v_last IS NOT DISTINCT FROM 'pause';
        IF applied THEN
            PERFORM engine.put_command(p_tenant, p_run, p_command, 'resume', p_body);
        END IF;
    END IF;
    SELECT status INTO run_status FROM engine.runs WHERE tenant_id = p_tenant AND run_id = p_run;
END $$;
--;;
-- Releases a run of which nothing is under way: parked, commanded (something was sent meanwhile: its
-- owner goes on) or lost. p_done are commands whose events are in the journal.
CREATE FUNCTION engine.park_run(
    p_worker uuid, p_tenant uuid, p_run uuid, p_epoch bigint, p_done uuid[],
    p_refs text[], p_dues double precision[]
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    PERFORM 1 FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch AND owner = p_worker
    FOR UPDATE;
    IF NOT FOUND THEN
        -- Parked already: an earlier try whose answer got lost.
        RETURN CASE WHEN EXISTS (
            SELECT 1 FROM engine.runs WHERE tenant_id = p_tenant AND run_id = p_run
              AND epoch = p_epoch AND status = 'parked') THEN 'parked' ELSE 'lost' END;
    END IF;
    UPDATE engine.run_commands SET drained_at = clock_timestamp()
    WHERE tenant_id = p_tenant AND run_id = p_run AND command_id = ANY (p_done)
      AND drained_at IS NULL;
    -- A statement of its own: the lock may have waited for a sender, whom its snapshot does not see.
    IF EXISTS (SELECT 1 FROM engine.run_commands
               WHERE tenant_id = p_tenant AND run_id = p_run AND drained_at IS NULL) THEN
        RETURN 'commanded';
    END IF;
    DELETE FROM engine.run_timers
    WHERE tenant_id = p_tenant AND run_id = p_run AND kind = 'wait';
    INSERT INTO engine.run_timers (tenant_id, run_id, kind, ref, due_at)
    SELECT p_tenant, p_run, 'wait', t.ref, to_timestamp(t.due)
    FROM unnest(p_refs, p_dues) AS t(ref, due);
    UPDATE engine.runs SET status = 'parked', owner = NULL
    WHERE tenant_id = p_tenant AND run_id = p_run;
    RETURN 'parked';
END $$;
--;;
-- The due timers of the named runs become commands, each in the transaction that deletes it. Returns
-- the runs that got one. What another sweep has under its hands is left to it.
CREATE FUNCTION engine.fire_timers(p_tenants uuid[], p_runs uuid[])
RETURNS TABLE (tenant_id uuid, run_id uuid, status text, epoch bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_run record;
    v_timer record;
    v_command uuid;
    v_told boolean;
BEGIN
    PERFORM set_config('heddle.tenants', array_to_string(p_tenants, ','), true);
    FOR v_run IN
        SELECT r.tenant_id AS t, r.run_id AS i, r.status AS s FROM engine.runs r
        JOIN (SELECT DISTINCT n.t, n.i FROM unnest(p_tenants, p_runs) AS n(t, i)) AS named
          ON r.tenant_id = named.t AND r.run_id = named.i
        ORDER BY r.run_id FOR KEY SHARE OF r SKIP LOCKED
    LOOP
        v_told := false;
        FOR v_timer IN
            DELETE FROM engine.run_timers d USING (
                SELECT q.kind AS k, q.ref AS f FROM engine.run_timers q
                WHERE q.tenant_id = v_run.t AND q.run_id = v_run.i
                  AND q.due_at <= clock_timestamp()
                FOR UPDATE SKIP LOCKED) AS due
            WHERE d.tenant_id = v_run.t AND d.run_id = v_run.i AND d.kind = due.k AND d.ref = due.f
            RETURNING d.kind, d.ref
        LOOP
            CONTINUE WHEN engine.has_ended(v_run.s);
            IF v_timer.kind = 'form' THEN
                UPDATE engine.forms f SET status = 'expired', acted_at = clock_timestamp()
                WHERE f.tenant_id = v_run.t AND f.run_id = v_run.i
                  AND f.effect_key = v_timer.ref AND f.status = 'open';
                CONTINUE WHEN NOT FOUND;
            END IF;
            v_command := gen_random_uuid();
            PERFORM engine.put_command(
                v_run.t, v_run.i, v_command, 'timer_due',
                convert_to(json_build_object(
                    'kind', 'timer_due', 'tenant_id', v_run.t, 'run_id', v_run.i,
                    'command_id', v_command, 'timer', v_timer.kind, 'ref', v_timer.ref)::text,
                    'UTF8'));
            v_told := true;
        END LOOP;
        IF v_told THEN
            RETURN QUERY SELECT r.tenant_id, r.run_id, r.status, r.epoch FROM engine.runs r
                WHERE r.tenant_id = v_run.t AND r.run_id = v_run.i;
        END IF;
    END LOOP;
END $$;
--;;
-- Stores a form once, with the instant until which it can be answered. False: the run has another
-- owner.
CREATE FUNCTION engine.open_form(
    p_tenant uuid, p_run uuid, p_epoch bigint, p_form uuid, p_node text, p_frame text, p_key text,
    p_title text, p_digest text, p_shown bytea, p_due double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_app uuid;
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT app_id INTO v_app FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = p_run AND epoch = p_epoch AND owner IS NOT NULL
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO engine.forms (
        tenant_id, form_id, run_id, app_id, node_id, frame_path, effect_key, title, digest, shown,
        expires_at)
    VALUES (
        p_tenant, p_form, p_run, v_app, p_node, p_frame, p_key, p_title, p_digest, p_shown,
        to_timestamp(p_due))
    ON CONFLICT (tenant_id, form_id) DO NOTHING;
    IF FOUND THEN
        INSERT INTO engine.run_timers (tenant_id, run_id, kind, ref, due_at)
        VALUES (p_tenant, p_run, 'form', p_key, to_timestamp(p_due));
    END IF;
    RETURN true;
END $$;
--;;
-- Takes back forms that nobody waits for any more.
CREATE FUNCTION engine.withdraw_forms(p_tenant uuid, p_run uuid, p_forms uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    PERFORM 1 FROM engine.runs WHERE tenant_id = p_tenant AND run_id = p_run FOR KEY SHARE;
    WITH gone AS (
        UPDATE engine.forms SET status = 'withdrawn', acted_at = clock_timestamp()
        WHERE tenant_id = p_tenant AND form_id = ANY (p_forms) AND status = 'open'
        RETURNING effect_key)
    DELETE FROM engine.run_timers t USING gone
    WHERE t.tenant_id = p_tenant AND t.run_id = p_run AND t.kind = 'form'
      AND t.ref = gone.effect_key;
END $$;
--;;
-- The answer to an open form, together with its run's command: the first commit wins. The verdict:
-- taken (also for a repeat by the same command), unknown, over (the run has ended), or the status
-- that the form has already.
CREATE FUNCTION engine.submit_form(
    p_tenant uuid, p_form uuid, p_command uuid, p_action text, p_actor text, p_inputs bytea,
    p_body bytea,
    OUT verdict text, OUT form_run uuid, OUT run_status text, OUT run_epoch bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_key text;
BEGIN
    PERFORM set_config('heddle.tenants', p_tenant::text, true);
    SELECT run_id INTO form_run FROM engine.forms WHERE tenant_id = p_tenant AND form_id = p_form;
    IF NOT FOUND THEN
        verdict := 'unknown';
        RETURN;
    END IF;
    SELECT status, epoch INTO run_status, run_epoch FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = form_run FOR KEY SHARE;
    IF engine.has_ended(run_status) THEN
        SELECT CASE WHEN command_id = p_command THEN 'taken' WHEN status = 'open' THEN 'over'
               ELSE status END INTO verdict
        FROM engine.forms WHERE tenant_id = p_tenant AND form_id = p_form;
        RETURN;
    END IF;
    UPDATE engine.forms
    SET status = 'submitted', acted_at = clock_timestamp(), actor = p_actor, action = p_action,
        inputs = p_inputs, command_id = p_command
    WHERE tenant_id = p_tenant AND form_id = p_form AND status = 'open'
      AND expires_at > clock_timestamp()
    RETURNING effect_key INTO v_key;
    IF NOT FOUND THEN
        SELECT CASE WHEN command_id = p_command THEN 'taken' WHEN status = 'open' THEN 'expired'
               ELSE status END INTO verdict
        FROM engine.forms WHERE tenant_id = p_tenant AND form_id = p_form;
        RETURN;
    END IF;
    PERFORM engine.put_command(p_tenant, form_run, p_command, 'submit_form', p_body);
    DELETE FROM engine.run_timers
    WHERE tenant_id = p_tenant AND run_id = form_run AND kind = 'form' AND ref = v_key;
    verdict := 'taken';
    SELECT status INTO run_status FROM engine.runs
    WHERE tenant_id = p_tenant AND run_id = form_run;
END $$;
