-- Acts that one operator wants and another one allows.

create table approval_rules (
    tenant_id uuid not null references tenants,
    act text not null check (act in ('temporary', 'privileged', 'code', 'method', 'agent', 'policy', 'owner')),
    since timestamptz not null,
    primary key (tenant_id, act)
);
comment on table approval_rules is 'What no operator does alone. What does not stand here needs nobody else.';
comment on column approval_rules.tenant_id is 'Whose operators.';
comment on column approval_rules.act is 'As in src/domain/approvals.';
comment on column approval_rules.since is 'When it was switched on.';

create table approvals (
    approval_id uuid primary key,
    tenant_id uuid not null references tenants,
    act text not null check (act in ('temporary', 'privileged', 'code', 'method', 'agent', 'policy', 'owner', 'rule')),
    user_id uuid,
    wish bytea not null,
    wish_hash bytea not null check (length(wish_hash) = 32),
    looks bytea not null check (length(looks) = 32),
    asked_by uuid not null,
    reason text not null default '' check (length(reason) <= 300),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    state text not null check (state in ('draft', 'waiting', 'approved', 'used', 'refused', 'withdrawn', 'void', 'expired')),
    decided_by uuid,
    decided_at timestamptz,
    job_id uuid,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    foreign key (tenant_id, asked_by) references operators (tenant_id, operator_id),
    foreign key (tenant_id, decided_by) references operators (tenant_id, operator_id),
    check (decided_by <> asked_by),
    check ((decided_by is null) = (decided_at is null)),
    check (state not in ('approved', 'used', 'refused') or decided_by is not null),
    check (state in ('draft', 'withdrawn', 'expired', 'void') or reason <> '')
);
comment on table approvals is 'An act that an operator asks a colleague to allow: this very act, once, while everything is as it was.';
comment on column approvals.approval_id is 'UUID v7.';
comment on column approvals.tenant_id is 'Whose.';
comment on column approvals.act is 'What kind: says who may ask for it and who may allow it.';
comment on column approvals.user_id is 'For whom, where it is for a person.';
comment on column approvals.wish is 'The act with all that it takes, as JSON, encrypted with the tenant''s key.';
comment on column approvals.wish_hash is 'Keyed hash of that: the very same act has the same.';
comment on column approvals.looks is 'Keyed hash of what the target looked like when it was asked for.';
comment on column approvals.asked_by is 'Who wants it.';
comment on column approvals.reason is 'Why, for whoever decides; empty only while it is a draft.';
comment on column approvals.asked_at is 'When.';
comment on column approvals.expires_at is 'A draft: a quarter of an hour; waiting: an hour; approved: ten minutes in which the asker does it.';
comment on column approvals.state is 'draft: the reason is missing; void: allowed, but the target or the asker was not any more what they were; used: done, and never again.';
comment on column approvals.decided_by is 'Who allowed or refused it: never who asked.';
comment on column approvals.decided_at is 'When.';
comment on column approvals.job_id is 'What it was used for, so that the same sent again is the same.';
create unique index approvals_open on approvals (tenant_id, asked_by, wish_hash) where state in ('draft', 'waiting', 'approved');
create index approvals_waiting on approvals (tenant_id, expires_at) where state = 'waiting';
create index approvals_by_time on approvals (tenant_id, approval_id);

create table operator_hands (
    tenant_id uuid not null,
    operator_id uuid not null,
    hand uuid not null,
    at timestamptz not null,
    primary key (tenant_id, operator_id, hand),
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade,
    foreign key (tenant_id, hand) references operators (tenant_id, operator_id) on delete cascade
);
comment on table operator_hands is 'Who made, changed, enabled or linked whom, and when last: such two are no two persons for a while.';
comment on column operator_hands.tenant_id is 'Of both.';
comment on column operator_hands.operator_id is 'Whom.';
comment on column operator_hands.hand is 'Who.';
comment on column operator_hands.at is 'When last.';
