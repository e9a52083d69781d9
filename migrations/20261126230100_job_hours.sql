-- What became of jobs, hour by hour: what the console's charts read, however many jobs there were.

create table job_hours (
    tenant_id uuid not null references tenants,
    hour timestamptz not null,
    kind text not null,
    state text not null,
    code text not null,
    speed smallint not null check (speed between 0 and 20),
    jobs bigint not null check (jobs > 0),
    primary key (tenant_id, hour, kind, state, code, speed)
);
comment on table job_hours is 'Counts of jobs that ended. The worker writes the last two hours anew every minute; older ones stay as they are.';
comment on column job_hours.tenant_id is 'Whose.';
comment on column job_hours.hour is 'In which they ended: its beginning.';
comment on column job_hours.kind is 'Of the job.';
comment on column job_hours.state is 'How they ended.';
comment on column job_hours.code is 'The agent''s verdict; empty where there was none.';
comment on column job_hours.speed is 'From submit to end: how many of the steps in src/domain/reports.rs it took longer than.';
comment on column job_hours.jobs is 'How many.';
