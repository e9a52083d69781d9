alter table users
    add column mail_at timestamptz,
    add column private_mail_at timestamptz,
    add column mobile_at timestamptz,
    add column confirmed_at timestamptz,
    add column reminded_at timestamptz;
comment on column users.mail_at is 'Since when the address is another than the one known before; null: it has been this one from the first. A new address proves nothing for a while.';
comment on column users.private_mail_at is 'The same of the other mailbox.';
comment on column users.mobile_at is 'The same of the number.';
comment on column users.confirmed_at is 'When the person last said that their methods of proof are right.';
comment on column users.reminded_at is 'When they were last reminded to look at them.';

alter table tenants add column reconfirm_days integer not null default 0 check (reconfirm_days between 0 and 730);
comment on column tenants.reconfirm_days is 'So often people are asked whether their methods of proof are still right; 0: never.';

create table held_removals (
    connector_id uuid primary key,
    tenant_id uuid not null,
    people integer not null check (people > 0),
    before timestamptz not null,
    held_at timestamptz not null,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table held_removals is 'A full pass of the mirror that did not name most of the people who are known: it looks like a mistake, and nobody is removed until an administrator says so.';
comment on column held_removals.connector_id is 'Whose mirror.';
comment on column held_removals.tenant_id is 'The connector''s.';
comment on column held_removals.people is 'How many would be gone.';
comment on column held_removals.before is 'When the pass began: whoever was last named before it is meant.';
comment on column held_removals.held_at is 'When the pass ended.';
