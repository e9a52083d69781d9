-- What administrators changed, whole, as it was before and after: for reading it and for undoing it.
create table history (
    tenant_id uuid not null references tenants,
    change_id uuid not null,
    what text not null check (what in ('policies', 'settings')),
    at timestamptz not null,
    actor text not null,
    shape smallint not null,
    before jsonb not null,
    after jsonb not null,
    primary key (tenant_id, change_id)
);
comment on table history is 'What administrators changed: append-only. No secrets are in it; groups of a directory stand in it by their ids only.';
comment on column history.tenant_id is 'Whose.';
comment on column history.change_id is 'UUID v7: in the order of time.';
comment on column history.what is 'Of what the state is.';
comment on column history.at is 'When.';
comment on column history.actor is 'As in the audit trail.';
comment on column history.shape is 'Of the JSON: one that a later version writes otherwise has another number.';
comment on column history.before is 'All of it, as it was.';
comment on column history.after is 'All of it, as it was from then on.';

create trigger history_append_only before update or delete or truncate on history
    for each statement execute function audit_is_append_only();
