-- "This wasn't me": accounts that are frozen, what people were told of, and whom the help desk's alerts go to.

create table freezes (
    freeze_id uuid primary key,
    tenant_id uuid not null,
    user_id uuid not null,
    since timestamptz not null,
    frozen_by text not null,
    reason text not null check (length(reason) <= 200),
    lifted_at timestamptz,
    lifted_by text,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    check ((lifted_at is null) = (lifted_by is null))
);
comment on table freezes is 'Accounts for which nothing is reset, unlocked or changed from here until an operator has looked. Lifted ones stay, for whoever looks next time.';
comment on column freezes.freeze_id is 'UUID v7.';
comment on column freezes.tenant_id is 'The account''s.';
comment on column freezes.user_id is 'Whose.';
comment on column freezes.since is 'When it was frozen.';
comment on column freezes.frozen_by is 'The audit''s actor: user is the person, who said that it was not them; else an operator.';
comment on column freezes.reason is 'What they said was not them (the kind of a notice), or the operator''s own words.';
comment on column freezes.lifted_at is 'Null: it holds.';
comment on column freezes.lifted_by is 'The audit''s actor; only an operator may.';
-- One at a time; and what every step of a reset asks.
create unique index freezes_holding on freezes (tenant_id, user_id) where lifted_at is null;

create table notices (
    token_hash bytea primary key check (length(token_hash) = 32),
    tenant_id uuid not null,
    user_id uuid not null,
    about text not null check (about in ('changed', 'unlocked', 'tries', 'method', 'contact', 'operator')),
    at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id)
);
comment on table notices is 'What a person was told of: whoever holds the token of the message can say, once, that it was not them.';
comment on column notices.token_hash is 'Keyed hash of 130 random bits, which stand in the message and nowhere else.';
comment on column notices.tenant_id is 'The account''s.';
comment on column notices.user_id is 'Whose account it is about.';
comment on column notices.about is 'The kind of what happened.';
comment on column notices.at is 'When it happened.';
comment on column notices.expires_at is '30 days later: the token is worth nothing after that.';
comment on column notices.used_at is 'When somebody said that it was not them.';
create index notices_expired on notices (expires_at);
-- Wrong codes are told of once a day, however many nodes see the last of them at once.
create unique index notices_tries on notices (tenant_id, user_id, ((at at time zone 'utc')::date)) where about = 'tries';

alter table messages add column user_id uuid;
comment on column messages.user_id is 'Of a reminder that is due later: not sent if the account of this person is frozen or gone by then. Null: sent in any case.';

alter table flows add column frozen boolean not null default false;
comment on column flows.frozen is 'It was under way when its account was frozen: it leads nowhere any more, also once the freeze is lifted.';

alter table tenants add column alerts text check (length(alerts) <= 254);
comment on column tenants.alerts is 'The help desk''s mail address: told when somebody says that it was not them. Null: nobody is.';
