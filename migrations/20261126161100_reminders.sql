-- Reminders before a password runs out.

alter table users add column password_expires_at timestamptz;
comment on column users.password_expires_at is 'When the password runs out, by the policy that holds for this person, as the directory computes it. Null: never, or it does not say.';
create index users_password_expires on users (tenant_id, password_expires_at) where removed_at is null and password_expires_at is not null;

alter table tenants add column expiry_reminders boolean not null default false;
comment on column tenants.expiry_reminders is 'Whether people are reminded before their password runs out. Off until an administrator switches it on.';

create table reminders (
    tenant_id uuid not null,
    user_id uuid not null,
    expires_at timestamptz not null,
    days smallint not null check (days in (1, 3, 7, 14)),
    at timestamptz not null,
    primary key (user_id, expires_at, days),
    foreign key (tenant_id, user_id) references users (tenant_id, user_id)
);
comment on table reminders is 'Who was reminded that a password runs out: once per password and mark, whatever number of nodes look at once.';
comment on column reminders.tenant_id is 'Whose.';
comment on column reminders.user_id is 'Who.';
comment on column reminders.expires_at is 'When that password runs out: another password has another time.';
comment on column reminders.days is 'The mark that was reached: so many days before, or fewer.';
comment on column reminders.at is 'When.';
create index reminders_over on reminders (expires_at);
