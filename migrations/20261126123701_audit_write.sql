-- One round trip for an act and the line that tells of it: `… returning audit_write(line, at)`.

create function audit_write(line jsonb, at timestamptz) returns boolean language sql as $$
    insert into audit_events (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail, at)
    select event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail, at
    from jsonb_to_record(line) as r (event_id uuid, tenant_id uuid, actor text, action text, user_id uuid, flow_id uuid, job_id uuid,
        request_id text, address inet, outcome text, detail jsonb)
    returning true;
$$;
comment on function audit_write is 'Writes one line of the audit trail, as audit::line has it, in the statement of the act itself.';
