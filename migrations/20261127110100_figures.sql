-- More of what the console's figures read, kept by the worker so that a page costs the same however much there was.

alter table job_hours add column connector_id uuid not null default '00000000-0000-0000-0000-000000000000';
alter table job_hours drop constraint job_hours_pkey, add primary key (tenant_id, hour, connector_id, kind, state, code, speed);
comment on column job_hours.connector_id is 'In which directory; all zeros: from before it was counted by directory.';

create table proof_hours (
    tenant_id uuid not null references tenants,
    hour timestamptz not null,
    method text not null,
    proofs bigint not null check (proofs > 0),
    primary key (tenant_id, hour, method)
);
comment on table proof_hours is 'By which methods people proved who they are. The worker writes the last two hours anew every minute.';
comment on column proof_hours.tenant_id is 'Whose.';
comment on column proof_hours.hour is 'In which their journeys began: its beginning.';
comment on column proof_hours.method is 'As in src/domain/policies/method.rs.';
comment on column proof_hours.proofs is 'How many journeys it proved.';

create table message_hours (
    tenant_id uuid not null references tenants,
    hour timestamptz not null,
    channel text not null check (channel in ('email', 'sms')),
    state text not null check (state in ('sent', 'failed')),
    messages bigint not null check (messages > 0),
    primary key (tenant_id, hour, channel, state)
);
comment on table message_hours is 'Mails and text messages, codes and notices alike. The worker writes the last two hours anew every minute.';
comment on column message_hours.tenant_id is 'Whose.';
comment on column message_hours.hour is 'In which they were written: its beginning.';
comment on column message_hours.channel is 'How they went.';
comment on column message_hours.state is 'Whether the carrier took them.';
comment on column message_hours.messages is 'How many.';

create table coverage_counts (
    tenant_id uuid primary key references tenants,
    counted_at timestamptz not null,
    people bigint not null,
    served bigint not null,
    registered bigint not null,
    able bigint not null,
    mailbox_only bigint not null,
    cooling_off bigint not null,
    too_few bigint not null
);
comment on table coverage_counts is 'Who can use self-service: counted by the worker once an hour, for it looks at everybody.';
comment on column coverage_counts.tenant_id is 'Whose.';
comment on column coverage_counts.counted_at is 'When.';
comment on column coverage_counts.people is 'In the directories, but for accounts that self-service never touches.';
comment on column coverage_counts.served is 'Those of them whom a policy serves.';
comment on column coverage_counts.registered is 'Those who have an app, a passkey or recovery codes.';
comment on column coverage_counts.able is 'Those who could reset now.';
comment on column coverage_counts.mailbox_only is 'Of these, who have nothing but the mailbox of the organisation.';
comment on column coverage_counts.cooling_off is 'Those who have enough, but some of it is too new.';
comment on column coverage_counts.too_few is 'Those who have fewer proofs than are asked.';

create table report_mails (
    tenant_id uuid primary key references tenants,
    mail bytea not null,
    next_at timestamptz not null
);
comment on table report_mails is 'Whom the figures of the week are sent to; no row: nobody.';
comment on column report_mails.tenant_id is 'Whose figures.';
comment on column report_mails.mail is 'The address, encrypted with the tenant''s key.';
comment on column report_mails.next_at is 'When the next one goes.';
