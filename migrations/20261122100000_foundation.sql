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
comment on column tenants.tenant_id is 'UUID v7.';
comment on column tenants.name is 'For people: on every page and in every message.';
comment on column tenants.data_key is 'Its data key, wrapped by the key ring: encrypts contact addresses and messages, hashes codes.';
comment on column tenants.language is 'BCP 47, where neither the browser nor the directory says otherwise.';
comment on column tenants.help is 'Whom a person is told to ask: a name, a phone number, an address.';
comment on column tenants.self_service is 'Off until an administrator switches it on.';
comment on column tenants.gates is 'How many proofs a reset takes.';
comment on column tenants.created_at is 'When the command line made it.';

create table tenant_hosts (
    host text primary key check (host = lower(host)),
    tenant_id uuid not null references tenants
);
comment on table tenant_hosts is 'Host names by which a tenant''s portal is reached.';
comment on column tenant_hosts.host is 'Lower case, without port: what a request''s Host is looked up by.';
comment on column tenant_hosts.tenant_id is 'Whose portal answers there.';

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
comment on column connectors.connector_id is 'UUID v7; part of every ticket and statement.';
comment on column connectors.tenant_id is 'Whose directory it is.';
comment on column connectors.name is 'For people.';
comment on column connectors.kind is 'Family of the directory: ad is Active Directory and Samba AD.';
comment on column connectors.writeback is 'Whether jobs may change this directory. Off until an administrator switches it on.';
comment on column connectors.created_at is 'When the command line made it.';

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
comment on column agents.agent_id is 'UUID v7; iss and kid of what it signs.';
comment on column agents.tenant_id is 'Follows from the enrolment token.';
comment on column agents.connector_id is 'The only directory it serves.';
comment on column agents.name is 'For people: usually the host''s.';
comment on column agents.identity is 'Ed25519 public key.';
comment on column agents.status is 'pending until an administrator has compared the fingerprint.';
comment on column agents.version is 'As it last said; truncated to 50 characters.';
comment on column agents.health is 'The last heartbeat.';
comment on column agents.enrolled_at is 'When its token was used.';
comment on column agents.confirmed_at is 'When an administrator confirmed its fingerprint; stays after a revocation.';
comment on column agents.revoked_at is 'For good: no way leads back from revoked.';
comment on column agents.last_seen_at is 'Last heartbeat; after 35 s without one it is not counted on.';

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
comment on column enrolments.token_hash is 'SHA-256 of the token.';
comment on column enrolments.tenant_id is 'Whom the new agent will belong to.';
comment on column enrolments.connector_id is 'What it will serve.';
comment on column enrolments.expires_at is '15 minutes after it was made.';
comment on column enrolments.used_at is 'Set once; the update of this column is the test that one of several uses wins.';
comment on column enrolments.agent_id is 'Who used it: the same key may ask again for the answer that was lost.';

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
comment on column sealing_keys.key_id is 'base64url SHA-256 of the public key.';
comment on column sealing_keys.tenant_id is 'The agent''s.';
comment on column sealing_keys.agent_id is 'Who holds the private half.';
comment on column sealing_keys.epoch is 'Rises with each key of an agent; the highest valid one is handed out.';
comment on column sealing_keys.statement is 'What the agent signed, as browsers get it (docs/agent-protocol.md, 3).';
comment on column sealing_keys.signature is 'base64url Ed25519 by the agent''s identity over the statement''s canonical form.';
comment on column sealing_keys.not_before is 'From the statement: browsers may seal from then on.';
comment on column sealing_keys.not_after is 'From the statement: not handed out after it.';

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
comment on column signing_keys.kid is 'base64url of 12 random bytes: the kid of tokens.';
comment on column signing_keys.private is 'A data key wrapped by the key ring (60 bytes), then PKCS#8 encrypted with it.';
comment on column signing_keys.public is 'Ed25519, raw.';
comment on column signing_keys.created_at is 'The newest signs; older ones still verify.';

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
comment on column users.user_id is 'UUID v7, ours; changes when the directory object does.';
comment on column users.tenant_id is 'The connector''s.';
comment on column users.connector_id is 'Whose directory has this person.';
comment on column users.object_guid is 'objectGUID or entryUUID: the only thing a job addresses.';
comment on column users.sign_in_name is 'Lower case.';
comment on column users.principal_name is 'Lower case; empty if none.';
comment on column users.display_name is 'As in the directory, for greetings and for the rule that a password must not hold it.';
comment on column users.mail is 'Encrypted with the tenant''s data key.';
comment on column users.mail_index is 'Keyed hash of the lower-case address, to find it by.';
comment on column users.mobile is 'Encrypted; E.164 once opened.';
comment on column users.language is 'BCP 47 as in the directory; null: the tenant''s.';
comment on column users.enabled is 'False: travels as a decoy.';
comment on column users.protected is 'adminCount=1 and the like: never served.';
comment on column users.mirrored_at is 'When an agent last named this person; a full pass removes whoever was not named since it began.';
create index users_aliases on users using gin (aliases) where removed_at is null;
comment on column users.removed_at is 'Gone from the directory or from the served part; contact data goes with it, the row stays for what refers to it.';
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
comment on column mirror_passes.pass is 'The agent''s id for it, in each of its batches.';
comment on column mirror_passes.tenant_id is 'The connector''s.';
comment on column mirror_passes.connector_id is 'Which directory is mirrored.';
comment on column mirror_passes.started_at is 'Whoever was last named before it is removed when the pass ends.';

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
comment on column audit_events.event_id is 'UUID v7: also the order.';
comment on column audit_events.tenant_id is 'Whose audit trail it stands in.';
comment on column audit_events.at is 'By the cloud''s clock.';
comment on column audit_events.actor is 'user, agent:<id>, operator:<id>, cli or worker.';
comment on column audit_events.action is 'noun.verb, for example reset.submit.';
comment on column audit_events.user_id is 'Whom it concerns; null for decoys. No foreign key: the trail outlives people.';
comment on column audit_events.flow_id is 'In which journey.';
comment on column audit_events.job_id is 'About which job.';
comment on column audit_events.request_id is 'The support code that the person saw.';
comment on column audit_events.address is 'Of the browser or agent, as the last trusted hop tells.';
comment on column audit_events.outcome is 'A word for the action: accepted, refused, sent, limit, right, wrong, …';
comment on column audit_events.detail is 'What else is needed to follow it. Never a secret, an address or a typed name.';
create index audit_events_request on audit_events (tenant_id, request_id);
create index audit_events_job on audit_events (job_id) where job_id is not null;
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_events is append-only';
end $$;
create trigger audit_events_append_only before update or delete or truncate on audit_events
    for each statement execute function audit_is_append_only();
