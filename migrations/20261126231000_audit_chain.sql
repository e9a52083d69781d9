-- The audit trail as a chain per tenant: each line is bound to the one before it, the last one is signed again and again, and a
-- line goes only when its time is over and a signed cut says so. Chained shortly after the commit by the worker, so that nobody who
-- writes waits for anybody else.

-- Whoever writes lines has ended before, and whoever comes after finds the trigger.
lock table audit_events in share row exclusive mode;

alter table tenants add column audit_days integer not null default 400 check (audit_days = 0 or audit_days between 90 and 36500);
comment on column tenants.audit_days is 'So long its audit trail is kept; 0: for ever. Not less than people are told what happened to them.';

-- A tenant's lines by time and by journey: what the console asks, however many there are.
alter table audit_events drop constraint audit_events_pkey, add primary key (tenant_id, event_id);
create index audit_events_flow on audit_events (tenant_id, flow_id) where flow_id is not null;

create table audit_unchained (
    tenant_id uuid not null,
    event_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table audit_unchained is 'Lines that have no place in the chain yet: written with the line itself, gone a moment later. A transaction that commits late is thus not missed. No index: it is short, and the hot paths pay for it.';
comment on column audit_unchained.tenant_id is 'Whose chain it waits for.';
comment on column audit_unchained.event_id is 'Which line. That the line is not there says that somebody took it away.';

create table audit_backlogs (
    tenant_id uuid primary key,
    upto uuid not null
);
comment on table audit_backlogs is 'Lines from before there were chains: they come first, in the order of their ids.';
comment on column audit_backlogs.tenant_id is 'Whose chain they wait for.';
comment on column audit_backlogs.upto is 'The last of them.';
insert into audit_backlogs (tenant_id, upto) select distinct on (tenant_id) tenant_id, event_id from audit_events order by tenant_id, event_id desc;

create table audit_kinds (
    tenant_id uuid not null,
    kind integer not null,
    action text not null,
    outcome text not null,
    actor text not null,
    primary key (tenant_id, kind),
    unique (tenant_id, action, outcome, actor)
);
comment on table audit_kinds is 'What kinds of lines a tenant''s trail has: what a search offers, and what it finds few among many by.';
comment on column audit_kinds.tenant_id is 'Whose trail.';
comment on column audit_kinds.kind is 'From 1 on.';
comment on column audit_kinds.action is 'Of its lines.';
comment on column audit_kinds.outcome is 'Of its lines.';
comment on column audit_kinds.actor is 'Of its lines, what stands before the colon: user, agent, operator, cli, worker.';

create table audit_chain (
    tenant_id uuid not null,
    seq bigint not null check (seq > 0),
    event_id uuid not null,
    kind integer not null,
    hash bytea not null check (length(hash) = 32),
    primary key (tenant_id, seq),
    unique (tenant_id, event_id)
);
create index audit_chain_kind on audit_chain (tenant_id, kind, event_id);
comment on table audit_chain is 'The place of each line: append-only. sspr audit verify walks along it.';
comment on column audit_chain.tenant_id is 'Whose chain.';
comment on column audit_chain.seq is 'From 1 on, without a gap.';
comment on column audit_chain.event_id is 'Which line stands there.';
comment on column audit_chain.kind is 'Of which kind it is: here rather than at the line, where the hot paths would pay for the index.';
comment on column audit_chain.hash is 'SHA-256 over the hash before (32 zeros before the first), the place and every column of the line.';

create table audit_checkpoints (
    tenant_id uuid not null,
    seq bigint not null check (seq > 0),
    kind text not null check (kind in ('head', 'cut')),
    hash bytea not null check (length(hash) = 32),
    at timestamptz not null,
    signature bytea not null check (length(signature) = 64),
    primary key (tenant_id, seq, kind)
);
comment on table audit_checkpoints is 'Signed words about a chain: append-only. Whoever noted one elsewhere finds out if anything up to it was changed or cut off.';
comment on column audit_checkpoints.tenant_id is 'Whose chain.';
comment on column audit_checkpoints.seq is 'Of the last line that it speaks of.';
comment on column audit_checkpoints.kind is 'head: the chain went so far. cut: what is up to it was kept long enough, and the chain begins behind it.';
comment on column audit_checkpoints.hash is 'That line''s.';
comment on column audit_checkpoints.at is 'When it was signed, in whole seconds.';
comment on column audit_checkpoints.signature is 'Ed25519, by a key derived from the tenant''s data key.';

create function audit_is_unchained() returns trigger language plpgsql as $$
begin
    insert into audit_unchained (tenant_id, event_id) select tenant_id, event_id from fresh;
    return null;
end $$;
comment on function audit_is_unchained is 'However a line is written, it waits for its place in the chain.';
create trigger audit_events_unchained after insert on audit_events referencing new table as fresh
    for each statement execute function audit_is_unchained();

-- Nothing is changed. What goes, goes by a cut.
drop trigger audit_events_append_only on audit_events;
drop function audit_is_append_only;
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end $$;
comment on function audit_is_append_only is 'Refuses.';
create trigger audit_events_append_only before update or truncate on audit_events
    for each statement execute function audit_is_append_only();
create trigger audit_chain_append_only before update or truncate on audit_chain
    for each statement execute function audit_is_append_only();
create trigger audit_checkpoints_append_only before update or truncate on audit_checkpoints
    for each statement execute function audit_is_append_only();

create function audit_event_goes() returns trigger language plpgsql as $$
begin
    if exists (select from gone g where not exists (
            select from audit_chain c join audit_checkpoints k using (tenant_id)
            where c.tenant_id = g.tenant_id and c.event_id = g.event_id and k.kind = 'cut' and k.seq >= c.seq)) then
        raise exception 'audit_events is append-only: only what a cut says is over may go';
    end if;
    return null;
end $$;
comment on function audit_event_goes is 'Refuses to delete lines that no cut covers.';
create trigger audit_events_go after delete on audit_events referencing old table as gone
    for each statement execute function audit_event_goes();

create function audit_place_goes() returns trigger language plpgsql as $$
begin
    if exists (select from gone g where not exists (
            select from audit_checkpoints k where k.tenant_id = g.tenant_id and k.kind = 'cut' and k.seq >= g.seq)) then
        raise exception '% is append-only: only what a cut says is over may go', tg_table_name;
    end if;
    return null;
end $$;
comment on function audit_place_goes is 'The same of places and of checkpoints; the newest cut stays.';
create trigger audit_chain_go after delete on audit_chain referencing old table as gone
    for each statement execute function audit_place_goes();
create trigger audit_checkpoints_go after delete on audit_checkpoints referencing old table as gone
    for each statement execute function audit_place_goes();

create function audit_forget(whose uuid, upto bigint) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    many bigint;
begin
    delete from audit_events e using audit_chain c
        where e.tenant_id = whose and c.tenant_id = whose and c.event_id = e.event_id and c.seq <= upto;
    get diagnostics many = row_count;
    delete from audit_chain where tenant_id = whose and seq <= upto;
    delete from audit_checkpoints where tenant_id = whose and (seq < upto or (seq = upto and kind = 'head'));
    return many;
end $$;
comment on function audit_forget is 'Deletes what a cut at that place says is over. With its owner''s rights: whoever serves needs none to delete.';

-- The role that serves cannot even try. It owns the tables, so it could take the rights back: docs/operations.md says how another one
-- owns them.
do $$
begin
    execute format('revoke update, truncate on audit_events, audit_chain, audit_checkpoints from %I', current_user);
end $$;
