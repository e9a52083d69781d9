-- Trust in agents over time: identities that were replaced, the processes that speak for an agent, and from where.

create table former_identities (
    identity bytea primary key check (length(identity) = 32),
    tenant_id uuid not null,
    agent_id uuid not null,
    replaced_at timestamptz not null,
    foreign key (tenant_id, agent_id) references agents (tenant_id, agent_id)
);
comment on table former_identities is 'Identity keys that agents have replaced: none is ever taken again, by anybody.';
comment on column former_identities.identity is 'Ed25519 public key.';
comment on column former_identities.tenant_id is 'The agent''s.';
comment on column former_identities.agent_id is 'Whose it was.';
comment on column former_identities.replaced_at is 'When the agent put another in its place.';

alter table agents
    add column instance uuid,
    add column address inet,
    add column cloned_at timestamptz;
comment on column agents.instance is 'Which process speaks for the agent now: random, made at its start. Null for agents that do not tell.';
comment on column agents.address is 'Where its last heartbeat came from.';
comment on column agents.cloned_at is 'When the same identity was first seen in two processes at once; null once an administrator has looked into it.';

create table agent_instances (
    tenant_id uuid not null,
    agent_id uuid not null,
    instance uuid not null,
    replaced_at timestamptz not null,
    primary key (tenant_id, agent_id, instance),
    foreign key (tenant_id, agent_id) references agents (tenant_id, agent_id)
);
comment on table agent_instances is 'Processes of an agent that a later one has replaced. One that still speaks afterwards is a copy, or has been copied.';
comment on column agent_instances.tenant_id is 'The agent''s.';
comment on column agent_instances.agent_id is 'Whose process it was.';
comment on column agent_instances.instance is 'As its heartbeats told.';
comment on column agent_instances.replaced_at is 'First heartbeat of its successor; forgotten after 30 days.';
