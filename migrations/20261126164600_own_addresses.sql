alter table users
    add column private_mail_own boolean not null default false,
    add column mobile_own boolean not null default false;
comment on column users.private_mail_own is 'The other mailbox was imported: what the directory says of it does not count.';
comment on column users.mobile_own is 'The same of the number.';
