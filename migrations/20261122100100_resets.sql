-- Flows, codes, limits, messages, jobs.

create table flows (
    flow_id uuid primary key,
    tenant_id uuid not null references tenants,
    browser_hash bytea not null unique check (length(browser_hash) = 32),
    user_id uuid,
    subjects bytea[] not null,
    name bytea not null,
    options jsonb not null,
    language text not null,
    state text not null check (state in ('proving', 'verified', 'ended')),
    gates smallint not null check (gates in (1, 2)),
    passed text[] not null default '{}',
    method text,
    job_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    check (state <> 'verified' or (user_id is not null and cardinality(passed) >= gates)),
    check (job_id is null or state <> 'proving')
) with (fillfactor = 70);
comment on table flows is 'One journey of one browser. A flow without user_id is a decoy: it looks the same and leads nowhere.';
comment on column flows.flow_id is 'UUID v7.';
comment on column flows.tenant_id is 'By the host name of the portal.';
comment on column flows.browser_hash is 'SHA-256 of the cookie of the browser that began it; replaced when a gate is passed.';
comment on column flows.user_id is 'Who was meant; null for a decoy, which the check then never lets be verified.';
comment on column flows.subjects is 'Whose limits count, keyed hashes: the local part of what was typed, and the user or, for decoys, the typed name.';
comment on column flows.name is 'What was typed, encrypted: people type passwords into the wrong field.';
comment on column flows.options is 'Methods as shown: [{"method": "email", "masked": "…"}]. The destination itself is read from the user when a code is sent.';
comment on column flows.language is 'BCP 47 of the browser when it began: what messages are written in.';
comment on column flows.state is 'proving, then verified once all gates are passed, then ended. A flow past expires_at is over whatever it says.';
comment on column flows.gates is 'How many proofs this reset takes; the tenant''s when it began.';
comment on column flows.passed is 'Methods proven so far, each once.';
comment on column flows.method is 'The method being proven now.';
comment on column flows.job_id is 'The newest job of this flow.';
comment on column flows.created_at is 'When the name was typed.';
comment on column flows.expires_at is '15 minutes after the beginning, and again after each gate.';
create index flows_expiry on flows (expires_at);

create table challenges (
    flow_id uuid not null references flows on delete cascade,
    method text not null check (method in ('email', 'sms')),
    tenant_id uuid not null,
    code_hash bytea not null check (length(code_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (flow_id, method)
) with (fillfactor = 70);
comment on table challenges is 'The code last sent for a flow and method, as a keyed hash bound to both. A resend replaces it.';
comment on column challenges.flow_id is 'Whose.';
comment on column challenges.method is 'By which way it was sent.';
comment on column challenges.tenant_id is 'The flow''s.';
comment on column challenges.code_hash is 'HMAC-SHA-256 under the tenant''s key over flow, method and digits.';
comment on column challenges.created_at is 'No other is sent for 30 s.';
comment on column challenges.expires_at is 'Ten minutes later.';
comment on column challenges.used_at is 'Set once it was right: it is not right again.';

create table limits (
    tenant_id uuid not null references tenants,
    subject bytea not null,
    kind text not null,
    used integer not null check (used >= 0),
    strikes integer not null default 0 check (strikes >= 0),
    until timestamptz not null,
    primary key (tenant_id, subject, kind)
) with (fillfactor = 70);
comment on table limits is 'Counters per account and across flows. Counted and committed before anything is compared or sent.';
comment on column limits.tenant_id is 'Whose.';
comment on column limits.subject is 'Keyed hash of the account, or of what was typed.';
comment on column limits.kind is 'What is counted: code_try or code_send.';
comment on column limits.used is 'So many in this window; one more than allowed means that somebody had to wait.';
comment on column limits.strikes is 'Windows that were exhausted in a row: each doubles the next wait.';
comment on column limits.until is 'End of the window; then used starts at zero again.';

create table messages (
    message_id uuid primary key,
    tenant_id uuid not null references tenants,
    channel text not null check (channel in ('email', 'sms', 'none')),
    topic bytea,
    payload bytea,
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'discarded')),
    attempts integer not null default 0,
    created_at timestamptz not null,
    due_at timestamptz not null,
    expires_at timestamptz not null,
    last_error text,
    check ((payload is not null) = (state = 'waiting'))
) with (fillfactor = 70);
comment on table messages is 'The outbox: written with the act that causes it, delivered by the worker. "none" is a decoy''s and goes nowhere.';
comment on column messages.topic is 'A newer message of the same topic takes the place of an older one that still waits.';
create index messages_topic on messages (tenant_id, topic) where state = 'waiting' and topic is not null;
comment on column messages.message_id is 'UUID v7; becomes the mail''s Message-ID.';
comment on column messages.tenant_id is 'Whose key opens it.';
comment on column messages.channel is 'Which carrier delivers it.';
comment on column messages.payload is 'Recipient, kind and values, encrypted; gone once it is sent or given up.';
comment on column messages.state is 'waiting, then sent, failed (for good, or too often) or discarded (nowhere to send it).';
comment on column messages.attempts is 'Deliveries begun.';
comment on column messages.created_at is 'When it was caused; ended ones are deleted a day later.';
comment on column messages.due_at is 'Not before; pushed ahead while a worker has it in hand.';
comment on column messages.expires_at is 'Not worth sending after that.';
comment on column messages.last_error is 'Why the last delivery did not work; the carrier''s answer, no address.';
create index messages_due on messages (due_at) where state = 'waiting';

-- The job table never changes an indexed column: submit, lease and result are updates in place (HOT), found by primary key.
-- Partitioned by day through its time-ordered id; old days are detached, not deleted from.
create table jobs (
    job_id uuid primary key,
    tenant_id uuid not null,
    connector_id uuid not null,
    user_id uuid not null,
    object_guid uuid not null,
    flow_id uuid not null,
    kind text not null check (kind in ('reset')),
    seq bigint not null check (seq > 0),
    state text not null check (state in
        ('offered', 'submitted', 'leased', 'applied', 'refused', 'failed', 'expired', 'superseded', 'cancelled', 'unknown', 'reconciled')),
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    submitted_at timestamptz,
    leased_at timestamptz,
    finished_at timestamptz,
    attempts smallint not null default 0,
    lease uuid,
    lease_until timestamptz,
    agent_id uuid,
    submission bytea,
    hashes jsonb,
    envelopes jsonb,
    code text,
    allowed_at timestamptz,
    result text,
    check ((envelopes is not null) = (state in ('submitted', 'leased'))),
    check ((finished_at is null) = (state in ('offered', 'submitted', 'leased'))),
    check ((state = 'leased') <= (lease is not null and lease_until is not null and agent_id is not null)),
    check ((state in ('applied', 'refused', 'reconciled')) <= (result is not null and code is not null)),
    check (expires_at > issued_at)
) partition by range (job_id);
comment on table jobs is 'One permission to change one user''s password. A finished job is a tombstone: it keeps the outcome, never the ciphertext.';
comment on column jobs.job_id is 'UUID v7; which partition follows from it.';
comment on column jobs.tenant_id is 'Whose.';
comment on column jobs.connector_id is 'Which agents may have it.';
comment on column jobs.user_id is 'Whose password. No foreign key: a tombstone outlives people.';
comment on column jobs.object_guid is 'The same person as the directory knows them: what the ticket names.';
comment on column jobs.flow_id is 'Which journey asked. No foreign key: flows are deleted after a day.';
comment on column jobs.kind is 'What is to be done.';
comment on column jobs.seq is 'Rises per directory object; the newest wins.';
comment on column jobs.state is 'See src/domain/queue/state.rs; all but the first three are ends.';
comment on column jobs.issued_at is 'Of the ticket, whole seconds.';
comment on column jobs.expires_at is '120 s later: not applied after that.';
comment on column jobs.submitted_at is 'When the sealed password came; null: the ticket was not used.';
comment on column jobs.leased_at is 'When the current or last holder got it.';
comment on column jobs.finished_at is 'When it came to its end; that of an unknown one stays when it is reconciled.';
comment on column jobs.attempts is 'How often it was leased; 0 means that no agent ever had it, so nothing was changed.';
comment on column jobs.lease is 'Fencing token of the current or last lease: a result must bear it.';
comment on column jobs.lease_until is 'End of the current or last lease: then another agent may have it.';
comment on column jobs.agent_id is 'The current or last holder.';
comment on column jobs.submission is 'SHA-256 of what the browser posted: the same again is the same, another is refused.';
comment on column jobs.hashes is 'Agent id → SHA-256 of its ciphertext: what a result must speak of, also after the erasure.';
comment on column jobs.envelopes is 'The sealed password, once per agent. Erased with the terminal state.';
comment on column jobs.code is 'The verdict''s stable code (docs/error-codes.md).';
comment on column jobs.allowed_at is 'With policy_age: from when on a change is allowed.';
comment on column jobs.result is 'The agent''s signed result (JWS).';

create table jobs_default partition of jobs default with (fillfactor = 60);

create function jobs_first_id(day date) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
comment on function jobs_first_id is 'The smallest UUID v7 of a day (UTC): its first 48 bits are milliseconds since 1970.';

create function jobs_make_partition(day date) returns void language plpgsql as $$
declare
    name text := 'jobs_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is null then
        execute format('create table %I partition of jobs for values from (%L) to (%L) with (fillfactor = 60)',
            name, jobs_first_id(day), jobs_first_id(day + 1));
    end if;
end $$;
comment on function jobs_make_partition is 'Idempotent. The worker calls it days ahead.';
select jobs_make_partition((now() at time zone 'utc')::date + n) from generate_series(0, 3) n;

create function jobs_drop_partitions(before date) returns void language plpgsql as $$
declare
    name text;
begin
    for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'jobs'::regclass and c.relname ~ '^jobs_[0-9]{8}$' and to_date(substr(c.relname, 6), 'YYYYMMDD') < before
    loop
        execute format('drop table %I', name);
    end loop;
end $$;
comment on function jobs_drop_partitions is 'Whole days go at once; nothing is deleted row by row.';

create table job_heads (
    connector_id uuid not null,
    object_guid uuid not null,
    seq bigint not null,
    primary key (connector_id, object_guid)
) with (fillfactor = 60);
comment on table job_heads is 'The last sequence number given out per directory object. Locked to give the next.';
comment on column job_heads.connector_id is 'Whose directory.';
comment on column job_heads.object_guid is 'Which object in it.';
comment on column job_heads.seq is 'The last one given; a ticket with a lower one is superseded.';

create table active_jobs (
    job_id uuid primary key,
    tenant_id uuid not null,
    connector_id uuid not null,
    object_guid uuid not null,
    agents uuid[] not null,
    expires_at timestamptz not null,
    lease_until timestamptz,
    unique (connector_id, object_guid)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
comment on table active_jobs is 'Narrow pointers to submitted and leased jobs: at most one per user. What agents lease from.';
comment on column active_jobs.job_id is 'The job; its row has everything else.';
comment on column active_jobs.tenant_id is 'Whose.';
comment on column active_jobs.connector_id is 'By which its agents find it.';
comment on column active_jobs.object_guid is 'Unique with the connector: one active job of a person.';
comment on column active_jobs.agents is 'Who can open it.';
comment on column active_jobs.expires_at is 'When the sweep ends it, unless a lease still runs.';
comment on column active_jobs.lease_until is 'Null: nobody has it. In the past: its holder went silent.';
create index active_jobs_connector on active_jobs (connector_id, job_id);
