-- More of people: a second address, whom they report to, their groups; and a digest, so that who did not change costs next to nothing.

alter table users
    add column private_mail bytea,
    add column manager uuid,
    add column content bytea check (length(content) = 32),
    add check (removed_at is null or (private_mail is null and content is null));
-- Being named again in a full pass is an update in place.
alter table users set (fillfactor = 80);
comment on column users.private_mail is 'Encrypted: a mailbox that one reaches without the password in question.';
comment on column users.manager is 'object_guid, in the same directory, of whom this person reports to. Perhaps nobody whom we know.';
comment on column users.content is 'Keyed hash of all that the agent told; the same again only moves mirrored_at. Null: take whatever comes.';

create table groups (
    connector_id uuid not null,
    object_guid uuid not null,
    tenant_id uuid not null,
    name text not null,
    primary key (connector_id, object_guid),
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table groups is 'Groups whose members agents tell, because their settings name them: for rules by group.';
comment on column groups.connector_id is 'Whose directory has it.';
comment on column groups.object_guid is 'objectGUID or entryUUID: a name given anew is another group.';
comment on column groups.tenant_id is 'The connector''s.';
comment on column groups.name is 'For people.';

create table memberships (
    tenant_id uuid not null,
    user_id uuid not null,
    connector_id uuid not null,
    group_guid uuid not null,
    primary key (user_id, group_guid),
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    foreign key (connector_id, group_guid) references groups (connector_id, object_guid) on delete cascade
);
comment on table memberships is 'Who is in which group, directly or through other groups.';
comment on column memberships.tenant_id is 'The connector''s.';
comment on column memberships.user_id is 'Who.';
comment on column memberships.connector_id is 'Whose directory says so.';
comment on column memberships.group_guid is 'In which group of it.';
create index memberships_group on memberships (connector_id, group_guid);

alter table challenges drop constraint challenges_method_check;
alter table challenges add constraint challenges_method_check check (method in ('email', 'private_email', 'sms'));
