-- Every reset writes a notice for each address, and each looked up and locked the person's row once more. The person is read in the statement
-- before, within the tenant; people are marked as removed and never deleted; and whoever reads a notice reads it with its tenant.
alter table notices drop constraint notices_tenant_id_user_id_fkey;

-- What is due is looked for by its channel, and what is worth nothing soonest goes first: however many notices wait for a mail server, they keep
-- no text message waiting, and no code.
drop index messages_due;
create index messages_due on messages (channel, expires_at) where state = 'waiting';
