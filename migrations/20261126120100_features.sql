-- Optional features of a connector beside writeback.

alter table connectors add column if not exists unlock boolean not null default false;
comment on column connectors.unlock is 'Whether people may unlock their account without a new password. Off until an administrator switches it on.';
