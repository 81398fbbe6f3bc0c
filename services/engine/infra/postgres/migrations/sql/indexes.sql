-- Runs that have not ended, by status: the lists of operators.
DROP INDEX engine.runs_waiting;
--;;
CREATE INDEX runs_live ON engine.runs (tenant_id, status, run_id)
WHERE status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible');
--;;
CREATE INDEX forms_of_app ON engine.forms (tenant_id, app_id, opened_at DESC, form_id DESC);
--;;
CREATE INDEX forms_open ON engine.forms (tenant_id, opened_at DESC, form_id DESC)
WHERE status = 'open';
--;;
DROP INDEX engine.forms_of_run;
--;;
CREATE INDEX forms_of_run ON engine.forms (tenant_id, run_id, opened_at DESC, form_id DESC);
