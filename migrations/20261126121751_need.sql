-- What a person chose where unlocking alone would do.

alter table flows add column wants_password boolean not null default false;
comment on column flows.wants_password is 'A new password was chosen where unlocking alone would do as well.';
