-- People add a private mailbox and a number of their own, beside what their directory and an administrator's list say. Each source has
-- a column of its own, so that none writes over another; which of them counts is told here and nowhere else.

alter table users rename column private_mail to directory_private_mail;
alter table users rename column mobile to directory_mobile;
alter table users
    add column listed_private_mail bytea,
    add column listed_mobile bytea,
    add column own_private_mail bytea,
    add column own_mobile bytea;
-- What the directory says where a list counted in its place, its next word tells.
update users set listed_private_mail = case when private_mail_own then directory_private_mail end,
    directory_private_mail = case when private_mail_own then null else directory_private_mail end,
    listed_mobile = case when mobile_own then directory_mobile end,
    directory_mobile = case when mobile_own then null else directory_mobile end,
    content = null
where private_mail_own or mobile_own;
alter table users
    drop column private_mail_own,
    drop column mobile_own,
    add column private_mail bytea generated always as (coalesce(own_private_mail, listed_private_mail, directory_private_mail)) stored,
    add column mobile bytea generated always as (coalesce(own_mobile, listed_mobile, directory_mobile)) stored;
comment on column users.directory_private_mail is 'Encrypted: a mailbox that opens without the password, as the directory says.';
comment on column users.directory_mobile is 'Encrypted: the number in E.164, as the directory says.';
comment on column users.listed_private_mail is 'Encrypted: the same from an administrator''s list.';
comment on column users.listed_mobile is 'Encrypted: the same from an administrator''s list.';
comment on column users.own_private_mail is 'Encrypted: the same as the person added it, after a code that was sent there.';
comment on column users.own_mobile is 'Encrypted: the same as the person added it, after a code that was sent there.';
comment on column users.private_mail is 'The one that counts: the person''s own, for it is proven; else a list''s, else the directory''s.';
comment on column users.mobile is 'The one that counts: the person''s own, for it is proven; else a list''s, else the directory''s.';

create table contact_changes (
    session_id uuid not null,
    kind text not null check (kind in ('private_email', 'sms')),
    tenant_id uuid not null,
    user_id uuid not null,
    destination bytea not null,
    code_hash bytea not null check (length(code_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (session_id, kind),
    foreign key (tenant_id, user_id) references users (tenant_id, user_id)
);
comment on table contact_changes is 'Addresses and numbers that people want to add, until they have typed the code that was sent there.';
comment on column contact_changes.session_id is 'By the session that began it, and by no other.';
comment on column contact_changes.kind is 'The method that it would serve; one of each at a time: beginning again replaces it, and its code with it.';
comment on column contact_changes.tenant_id is 'The person''s.';
comment on column contact_changes.user_id is 'Who adds it.';
comment on column contact_changes.destination is 'Encrypted: where the code went. What is added is this, whatever the browser says later.';
comment on column contact_changes.code_hash is 'HMAC-SHA-256 under the tenant''s key over session, kind, destination and digits. The row is deleted by the first right code.';
comment on column contact_changes.created_at is 'When the code was sent.';
comment on column contact_changes.expires_at is 'Ten minutes later.';
create index contact_changes_expired on contact_changes (expires_at);

alter table connectors add column untold_at timestamptz;
comment on column connectors.untold_at is 'When the help desk was last told that so many people of this directory got a first address that none of them is told of theirs. Null: never.';
