-- Who is told of a form: JSON, sealed where the engine has a master key; null: nobody.
ALTER TABLE engine.forms ADD COLUMN deliveries bytea;
--;;
DROP FUNCTION engine.open_form(
    uuid, uuid, bigint, uuid, text, text, text, text, text, bytea, double precision
);
--;;
-- Stores a form once, with the instant until which it can be answered and, where somebody is to be
-- told of it, the fact p_fact in the outbox. False: the run has another owner.
CREATE FUNCTION engine.open_form(
    p_tenant uuid, p_run uuid, p_epoch bigint, p_form uuid, p_node text, p_frame text, p_key text,
    p_title text, p_digest text, p_shown bytea, p_due double precision,
    p_deliveries bytea, p_subject text, p_fact bytea
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
        expires_at, deliveries)
    VALUES (
        p_tenant, p_form, p_run, v_app, p_node, p_frame, p_key, p_title, p_digest, p_shown,
        to_timestamp(p_due), p_deliveries)
    ON CONFLICT (tenant_id, form_id) DO NOTHING;
    IF FOUND THEN
        INSERT INTO engine.run_timers (tenant_id, run_id, kind, ref, due_at)
        VALUES (p_tenant, p_run, 'form', p_key, to_timestamp(p_due));
        IF p_deliveries IS NOT NULL THEN
            INSERT INTO engine.outbox (id, tenant_id, subject, body)
            VALUES (p_form, p_tenant, p_subject, p_fact);
        END IF;
    END IF;
    RETURN true;
END $$;
