-- Whose shape a name borrows that nobody has, is drawn evenly: by a number of each person's own that lies anywhere, whatever numbers their
-- directory gives out. OpenLDAP's follow one another, and of those the one behind the longest gap would be copied for nearly every name.
alter table users add column lot uuid not null generated always as (md5(user_id::text)::uuid) stored;
comment on column users.lot is 'Spread evenly: what a name that nobody has is shaped after is drawn by it.';
drop index users_donor;
create index users_donor on users (tenant_id, lot) where removed_at is null and enabled and not protected and mail is not null;
