-- Signing in by a passkey and no name; passkeys of which there is a copy; proofs that a session remembers; more time.

create table nameless_challenges (
    token_hash bytea primary key check (length(token_hash) = 32),
    tenant_id uuid not null references tenants,
    state bytea not null,
    expires_at timestamptz not null
);
comment on table nameless_challenges is 'What the passkey of somebody who has given no name must sign. The row goes with the first answer, right or wrong.';
comment on column nameless_challenges.token_hash is 'SHA-256 of the cookie of the browser that asked: no other can answer.';
comment on column nameless_challenges.tenant_id is 'By the host name of the portal.';
comment on column nameless_challenges.state is 'Encrypted: the challenge, and how it must be signed.';
comment on column nameless_challenges.expires_at is 'Five minutes later.';
create index nameless_challenges_expiry on nameless_challenges (expires_at);

alter table authenticators
    add column stopped_at timestamptz,
    add check (stopped_at is null or kind = 'passkey');
comment on column authenticators.stopped_at is 'Its counter went backwards: there is a copy, and neither proves anything from then on.';

alter table sessions add column proven text[] not null default '{}';
comment on column sessions.proven is 'The methods that it was begun by: what was registered is removed only by whoever proved the strongest of it.';

alter table flows add column extended boolean not null default false;
comment on column flows.extended is 'Its owner asked for more time: that is given once.';
comment on column flows.expires_at is '15 minutes after the beginning, and again after each gate; once as much again for whoever asks.';
