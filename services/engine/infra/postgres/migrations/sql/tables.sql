CREATE TABLE engine.workflows (
    tenant_id uuid NOT NULL,
    content_hash text NOT NULL,
    -- JSON kept as bytes: jsonb refuses U+0000, which an author may well have typed.
    definition bytea NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, content_hash)
);
--;;
-- One row is one incarnation of a worker process. Not tenant data.
CREATE TABLE engine.workers (
    worker_id uuid PRIMARY KEY,
    lease_until timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
--;;
CREATE TABLE engine.runs (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    app_id uuid NOT NULL,
    shard smallint NOT NULL,
    status text NOT NULL CHECK (status IN (
        'queued', 'running', 'parked', 'succeeded', 'partial-succeeded', 'failed', 'stopped',
        'quarantined', 'incompatible'
    )),
    epoch bigint NOT NULL DEFAULT 0,
    owner uuid,
    workflow_hash text NOT NULL,
    request bytea NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_at timestamptz,
    finished_at timestamptz,
    takeovers integer NOT NULL DEFAULT 0,
    outcome bytea,
    evidence text,
    PRIMARY KEY (tenant_id, run_id),
    -- Look-ups of one run ask for its owner, never for `status = 'running'`: that would let the
    -- planner walk the indexes of all running runs.
    CHECK ((status = 'running') = (owner IS NOT NULL))
);
--;;
CREATE INDEX runs_queue ON engine.runs (tenant_id, app_id, accepted_at) WHERE status = 'queued';
--;;
CREATE INDEX runs_running ON engine.runs (tenant_id, app_id) WHERE status = 'running';
--;;
CREATE INDEX runs_owned ON engine.runs (owner) WHERE status = 'running';
--;;
CREATE TABLE engine.journal (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    epoch bigint NOT NULL,
    batch_id bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (tenant_id, run_id, first_seq)
) PARTITION BY RANGE (run_id);
--;;
-- The range of run ids each month's partition holds; what acceptance checks an id against.
CREATE TABLE engine.journal_months (
    month date PRIMARY KEY,
    lower_id uuid NOT NULL,
    upper_id uuid NOT NULL
);
--;;
CREATE TABLE engine.run_commands (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    command_id uuid NOT NULL,
    kind text NOT NULL,
    body bytea NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    drained_at timestamptz,
    PRIMARY KEY (tenant_id, run_id, command_id)
);
--;;
CREATE INDEX run_commands_undrained ON engine.run_commands (run_id) WHERE drained_at IS NULL;
--;;
CREATE TABLE engine.run_timers (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    kind text NOT NULL,
    ref text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, run_id, kind, ref)
);
--;;
CREATE INDEX run_timers_due ON engine.run_timers (due_at);
--;;
CREATE TABLE engine.snapshots (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    fold_version integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);
