-- Tenants, directories, agents, people. Every table bears its tenant; ids that cross tables do so together with it.

create table tenants (
    tenant_id uuid primary key,
    name text not null check (length(name) between 1 and 100),
    data_key bytea not null,
    language text not null default 'en' check (language in ('en', 'de')),
    help text check (length(help) <= 200),
    self_service boolean not null default false,
    gates smallint not null default 1 check (gates in (1, 2)),
    created_at timestamptz not null
);
comment on table tenants is 'An organisation.';
comment on column tenants.data_key is 'Its data key, wrapped by the key ring: encrypts contact addresses and messages, hashes codes.';
comment on column tenants.language is 'BCP 47, where neither the browser nor the directory says otherwise.';
comment on column tenants.help is 'Whom a person is told to ask: a name, a phone number, an address.';
comment on column tenants.self_service is 'Off until an administrator switches it on.';
comment on column tenants.gates is 'How many proofs a reset takes.';

create table tenant_hosts (
    host text primary key check (host = lower(host)),
    tenant_id uuid not null references tenants
);
comment on table tenant_hosts is 'Host names by which a tenant''s portal is reached.';

create table connectors (
    connector_id uuid primary key,
    tenant_id uuid not null references tenants,
    name text not null check (length(name) between 1 and 100),
    kind text not null check (kind in ('ad')),
    writeback boolean not null default false,
    created_at timestamptz not null,
    unique (tenant_id, connector_id)
);
comment on table connectors is 'One directory of a tenant.';
comment on column connectors.writeback is 'Whether jobs may change this directory. Off until an administrator switches it on.';

create table agents (
    agent_id uuid primary key,
    tenant_id uuid not null,
    connector_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    identity bytea not null unique check (length(identity) = 32),
    status text not null check (status in ('pending', 'active', 'revoked')),
    version text not null check (length(version) <= 50),
    health jsonb,
    enrolled_at timestamptz not null,
    confirmed_at timestamptz,
    revoked_at timestamptz,
    last_seen_at timestamptz,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id),
    unique (tenant_id, agent_id),
    check ((status = 'revoked') = (revoked_at is not null)),
    check (status <> 'active' or confirmed_at is not null)
) with (fillfactor = 60);
comment on table agents is 'One process that serves a connector.';
comment on column agents.identity is 'Ed25519 public key.';
comment on column agents.status is 'pending until an administrator has compared the fingerprint.';
comment on column agents.health is 'The last heartbeat.';

create table enrolments (
    token_hash bytea primary key check (length(token_hash) = 32),
    tenant_id uuid not null,
    connector_id uuid not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    agent_id uuid,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id),
    check ((used_at is null) = (agent_id is null))
);
comment on table enrolments is 'One-time tokens that let an agent enrol; only their SHA-256 is here.';

create table sealing_keys (
    key_id text primary key,
    tenant_id uuid not null,
    agent_id uuid not null,
    epoch bigint not null check (epoch > 0),
    statement jsonb not null,
    signature text not null,
    not_before timestamptz not null,
    not_after timestamptz not null,
    foreign key (tenant_id, agent_id) references agents (tenant_id, agent_id),
    unique (agent_id, epoch),
    check (not_after > not_before and not_after <= not_before + interval '24 hours')
);
comment on table sealing_keys is 'HPKE public keys that agents vouch for; the private halves never leave the agents.';

create unlogged table used_proofs (
    proof bytea primary key check (length(proof) = 32),
    until timestamptz not null
);
comment on table used_proofs is 'Proofs of possession and assertions that agents have used: none is taken twice, by any node. Unlogged: a crash of the database forgets one minute.';
comment on column used_proofs.proof is 'SHA-256 of the key''s thumbprint and the proof''s id.';
comment on column used_proofs.until is 'When it could no longer be accepted anyhow.';

create table signing_keys (
    kid text primary key,
    private bytea not null,
    public bytea not null check (length(public) = 32),
    created_at timestamptz not null
);
comment on table signing_keys is 'Keys that sign access tokens; the private half is wrapped by the key ring.';

create table users (
    user_id uuid primary key,
    tenant_id uuid not null,
    connector_id uuid not null,
    object_guid uuid not null,
    sign_in_name text not null,
    principal_name text not null,
    display_name text not null,
    aliases bytea[] not null,
    mail bytea,
    mail_index bytea,
    mobile bytea,
    language text,
    enabled boolean not null,
    protected boolean not null,
    mirrored_at timestamptz not null,
    removed_at timestamptz,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id),
    unique (connector_id, object_guid),
    unique (tenant_id, user_id),
    check ((mail is null) = (mail_index is null)),
    check (removed_at is null or (mail is null and mobile is null))
);
comment on table users is 'People as the directory has them, mirrored by agents. A name given anew is another object and another row.';
comment on column users.aliases is 'Keyed hashes of the local parts of sign-in name, principal name and mail: what a decoy of a similar name is shaped after.';
comment on column users.object_guid is 'objectGUID or entryUUID: the only thing a job addresses.';
comment on column users.sign_in_name is 'Lower case.';
comment on column users.principal_name is 'Lower case; empty if none.';
comment on column users.mail is 'Encrypted with the tenant''s data key.';
comment on column users.mail_index is 'Keyed hash of the lower-case address, to find it by.';
comment on column users.protected is 'adminCount=1 and the like: never served.';
comment on column users.mirrored_at is 'When an agent last named this person; a full pass removes whoever was not named since it began.';
create index users_aliases on users using gin (aliases) where removed_at is null;
create index users_sign_in_name on users (tenant_id, sign_in_name) where removed_at is null;
create index users_principal_name on users (tenant_id, principal_name) where removed_at is null;
create index users_mail on users (tenant_id, mail_index) where removed_at is null;
create index users_donor on users (tenant_id, object_guid) where removed_at is null and enabled and not protected and mail is not null;

create table mirror_passes (
    pass uuid primary key,
    tenant_id uuid not null,
    connector_id uuid not null,
    started_at timestamptz not null,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table mirror_passes is 'Full passes of the mirror that have begun and not ended. Several agents may be at it at once.';

create table audit_events (
    event_id uuid primary key,
    tenant_id uuid not null references tenants,
    at timestamptz not null,
    actor text not null,
    action text not null,
    user_id uuid,
    flow_id uuid,
    job_id uuid,
    request_id text,
    address inet,
    outcome text not null,
    detail jsonb not null default '{}'
);
comment on table audit_events is 'Every act: append-only. Written in the transaction of the act itself.';
create index audit_events_request on audit_events (tenant_id, request_id);
create index audit_events_job on audit_events (job_id) where job_id is not null;
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_events is append-only';
end $$;
create trigger audit_events_append_only before update or delete or truncate on audit_events
    for each statement execute function audit_is_append_only();
