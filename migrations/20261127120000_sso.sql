-- Operators sign in at their organisation's OpenID provider.

create table sso_providers (
    tenant_id uuid primary key references tenants,
    issuer text not null check (length(issuer) between 1 and 500),
    client_id text not null check (length(client_id) between 1 and 255),
    secret bytea not null,
    label text not null check (length(label) between 1 and 60),
    factors text[] not null default '{}' check (cardinality(factors) <= 10),
    enabled boolean not null,
    required boolean not null,
    version integer not null default 1,
    changed_at timestamptz not null,
    check (enabled or not required)
);
comment on table sso_providers is 'The OpenID provider at which a tenant''s operators may sign in. One at most.';
comment on column sso_providers.tenant_id is 'Whose operators.';
comment on column sso_providers.issuer is 'Its name, letter by letter as it says it itself; its document lies below it.';
comment on column sso_providers.client_id is 'Who we are to it.';
comment on column sso_providers.secret is 'By which it knows us, encrypted with the tenant''s key. Shown to nobody.';
comment on column sso_providers.label is 'What its button is called.';
comment on column sso_providers.factors is 'Values of amr or acr: one of them in a token says that a second factor was shown there. None: ours is asked for.';
comment on column sso_providers.enabled is 'Operators may sign in there.';
comment on column sso_providers.required is 'All but owners must.';
comment on column sso_providers.version is 'Counts changes: a form, or a sign-in, that was begun with an older one is not taken.';
comment on column sso_providers.changed_at is 'When.';

create table operator_identities (
    operator_id uuid primary key,
    tenant_id uuid not null,
    subject bytea not null check (length(subject) = 32),
    linked_at timestamptz not null,
    foreign key (tenant_id, operator_id) references operators (tenant_id, operator_id) on delete cascade,
    unique (tenant_id, subject)
);
comment on table operator_identities is 'Who an operator is at the provider. Found by their address once, the first time; never again by it.';
comment on column operator_identities.operator_id is 'Who. One each at most.';
comment on column operator_identities.tenant_id is 'The operator''s.';
comment on column operator_identities.subject is 'Keyed hash of issuer and subject, which the issuer never gives to anybody else.';
comment on column operator_identities.linked_at is 'When they first signed in there.';

create table sso_attempts (
    attempt_id uuid primary key,
    tenant_id uuid not null references tenants,
    cookie_hash bytea not null unique check (length(cookie_hash) = 32),
    state_hash bytea not null check (length(state_hash) = 32),
    nonce_hash bytea not null check (length(nonce_hash) = 32),
    verifier bytea not null,
    provider_version integer not null,
    session_id uuid,
    back_to text not null check (length(back_to) <= 200),
    begun_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table sso_attempts is 'Browsers that were sent to the provider and are not back yet. Gone when they are.';
comment on column sso_attempts.attempt_id is 'UUID v7.';
comment on column sso_attempts.tenant_id is 'At whose console.';
comment on column sso_attempts.cookie_hash is 'SHA-256 of the cookie of that browser: nobody else''s can come back for it.';
comment on column sso_attempts.state_hash is 'SHA-256 of the state that comes back with it.';
comment on column sso_attempts.nonce_hash is 'SHA-256 of the nonce that the token must bear.';
comment on column sso_attempts.verifier is 'Of PKCE (RFC 7636), encrypted with the tenant''s key.';
comment on column sso_attempts.provider_version is 'Of the provider''s row then.';
comment on column sso_attempts.session_id is 'Of whoever is signed in and shows it once more; null for a sign-in.';
comment on column sso_attempts.back_to is 'Where they wanted to go in the console.';
comment on column sso_attempts.begun_at is 'When.';
comment on column sso_attempts.expires_at is 'Ten minutes later.';

alter table operator_sessions add column sso boolean not null default false;
comment on column operator_sessions.sso is 'Begun at the provider.';
