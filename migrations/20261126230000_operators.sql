-- Operators: who runs the service at a tenant. They are not users, even where the same person is both.

create table operators (
    operator_id uuid primary key,
    tenant_id uuid not null references tenants,
    name text not null check (length(name) between 1 and 100),
    mail bytea not null,
    mail_index bytea not null check (length(mail_index) = 32),
    role text not null check (role in ('owner', 'administrator', 'help_desk', 'auditor')),
    salt bytea check (length(salt) = 16),
    password_hash bytea check (length(password_hash) = 32),
    password_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    disabled_at timestamptz,
    unique (tenant_id, operator_id),
    unique (tenant_id, mail_index),
    check ((salt is null) = (password_hash is null) and (salt is null) = (password_at is null))
);
comment on table operators is 'Who may sign in to the console of a tenant.';
comment on column operators.operator_id is 'UUID v7.';
comment on column operators.tenant_id is 'Whose console.';
comment on column operators.name is 'For other operators, and for the audit.';
comment on column operators.mail is 'What they sign in with, encrypted with the tenant''s key.';
comment on column operators.mail_index is 'Keyed hash of the address in lower case, to find it by.';
comment on column operators.role is 'Each may do what stands in src/console/guard.rs, and act only on operators below it.';
comment on column operators.salt is 'Of the password; null until they have followed their link.';
comment on column operators.password_hash is 'Argon2id.';
comment on column operators.password_at is 'When it was chosen.';
comment on column operators.version is 'Counts changes: a form that was filled in for an older one is not taken.';
comment on column operators.created_at is 'When.';
comment on column operators.disabled_at is 'Whoever is disabled is refused from the next request on.';

create table operator_groups (
    operator_id uuid not null,
    tenant_id uuid not null,
    connector_id uuid not null,
    group_guid uuid not null,
    primary key (operator_id, connector_id, group_guid),
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade
);
comment on table operator_groups is 'Whom a help-desk operator serves: the members of these groups; without any, everybody. No foreign key to groups: one that agents tell no more must not widen what somebody may see.';
comment on column operator_groups.operator_id is 'Who.';
comment on column operator_groups.tenant_id is 'The operator''s.';
comment on column operator_groups.connector_id is 'In which directory.';
comment on column operator_groups.group_guid is 'objectGUID or entryUUID.';

create table operator_links (
    operator_id uuid primary key,
    tenant_id uuid not null,
    token_hash bytea not null unique check (length(token_hash) = 32),
    expires_at timestamptz not null,
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade
);
comment on table operator_links is 'One-time links by which an operator chooses a password and a second factor, for the first time or anew. One each at most.';
comment on column operator_links.operator_id is 'Whose.';
comment on column operator_links.tenant_id is 'The operator''s.';
comment on column operator_links.token_hash is 'SHA-256 of what stands behind the # of the link.';
comment on column operator_links.expires_at is 'A day after it was made.';

create table operator_factors (
    factor_id uuid primary key,
    tenant_id uuid not null,
    operator_id uuid not null,
    kind text not null check (kind in ('totp', 'passkey')),
    label text not null check (length(label) between 1 and 60),
    secret bytea not null,
    credential bytea check (length(credential) = 32),
    last_step bigint,
    created_at timestamptz not null,
    last_used_at timestamptz,
    stopped_at timestamptz,
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade,
    unique (tenant_id, credential),
    check ((kind = 'passkey') = (credential is not null))
);
comment on table operator_factors is 'What operators prove themselves by besides the password. Nobody signs in without one.';
comment on column operator_factors.factor_id is 'UUID v7.';
comment on column operator_factors.tenant_id is 'The operator''s.';
comment on column operator_factors.operator_id is 'Whose.';
comment on column operator_factors.kind is 'An authenticator app or a passkey.';
comment on column operator_factors.label is 'What its owner calls it.';
comment on column operator_factors.secret is 'The app''s secret or the passkey, encrypted with the tenant''s key.';
comment on column operator_factors.credential is 'Keyed hash of a passkey''s id.';
comment on column operator_factors.last_step is 'The app''s last step that was taken: none is taken twice.';
comment on column operator_factors.created_at is 'When.';
comment on column operator_factors.last_used_at is 'When it last proved something.';
comment on column operator_factors.stopped_at is 'There is a copy of it: it proves nothing any more.';
create index operator_factors_operator on operator_factors (tenant_id, operator_id);

create table operator_sessions (
    session_id uuid primary key,
    tenant_id uuid not null,
    operator_id uuid not null,
    token_hash bytea not null unique check (length(token_hash) = 32),
    stage text not null check (stage in ('link', 'password', 'in')),
    device text not null check (length(device) <= 40),
    origin inet,
    begun_at timestamptz not null,
    proved_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    pending_app bytea,
    pending_passkey bytea,
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade,
    check (expires_at > begun_at and expires_at <= begun_at + interval '8 hours')
) with (fillfactor = 70);
comment on table operator_sessions is 'A browser in which an operator signs in, or has signed in.';
comment on column operator_sessions.session_id is 'UUID v7.';
comment on column operator_sessions.tenant_id is 'By the host name of the console: the cookie is worth nothing at another one.';
comment on column operator_sessions.operator_id is 'Who.';
comment on column operator_sessions.token_hash is 'SHA-256 of the cookie, which is made anew with every step up.';
comment on column operator_sessions.stage is 'link: came by a one-time link; password: the second factor is missing; in: signed in.';
comment on column operator_sessions.device is 'Browser and system, as coarse as people recognise their own by; empty if unknown.';
comment on column operator_sessions.origin is 'From where it was begun.';
comment on column operator_sessions.begun_at is 'When, by the database''s clock, as all times here.';
comment on column operator_sessions.proved_at is 'When the second factor was last shown in it; of other stages, the beginning.';
comment on column operator_sessions.seen_at is 'Last request. 30 minutes without one end it.';
comment on column operator_sessions.expires_at is '8 hours after the beginning at most, 15 minutes where nobody is signed in yet.';
comment on column operator_sessions.pending_app is 'Secret of an authenticator app that waits for its first code, encrypted.';
comment on column operator_sessions.pending_passkey is 'What the answer to a passkey''s making is checked by, encrypted.';
create index operator_sessions_operator on operator_sessions (tenant_id, operator_id);
