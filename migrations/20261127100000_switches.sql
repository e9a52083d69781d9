-- What operators do for people can be switched off, one thing at a time.
alter table tenants add column forbidden text[] not null default '{}'
    check (forbidden <@ array['temporary', 'code', 'unlock', 'method', 'invitation']);
comment on column tenants.forbidden is 'What no operator may do for a person: set a temporary password, read out a code, unlock, remove a method of proof, invite.';
