-- What came of the canary at each server of a directory: an account that is nobody's, whose password the agents set on a schedule.
create table canary_runs (
    tenant_id uuid not null,
    connector_id uuid not null,
    server text not null check (length(server) <= 255),
    at timestamptz not null,
    agent_id uuid not null,
    code text not null check (length(code) <= 50),
    millis integer not null check (millis >= 0),
    primary key (connector_id, at, server, agent_id),
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table canary_runs is 'Kept for 30 days.';
comment on column canary_runs.tenant_id is 'Whose.';
comment on column canary_runs.connector_id is 'Of which directory.';
comment on column canary_runs.server is 'By its own name.';
comment on column canary_runs.at is 'When it began, by the agent''s clock; no later than when the cloud heard of it.';
comment on column canary_runs.agent_id is 'By which agent.';
comment on column canary_runs.code is 'applied: set, and good for signing in. Else why not (docs/error-codes.md).';
comment on column canary_runs.millis is 'That it took.';
