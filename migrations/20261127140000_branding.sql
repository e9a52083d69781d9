-- How a tenant's pages look, and whom its people are told to ask.

alter table tenants
    add column accent text check (accent ~ '^#[0-9a-f]{6}$'),
    add column logo jsonb,
    add column desk_phone text check (length(desk_phone) between 1 and 40),
    add column desk_mail text check (length(desk_mail) between 1 and 254),
    add column desk_link text check (desk_link like 'https://%' and length(desk_link) <= 300),
    add column desk_by_group boolean not null default false;
comment on column tenants.accent is 'sRGB as an administrator chose it; what is shown is derived from it. Null: the product''s own.';
comment on column tenants.logo is 'Hash, size and kind of the logo that is shown, of those in logos. Null: the name alone.';
comment on column tenants.desk_phone is 'The help desk''s number, as people read it.';
comment on column tenants.desk_mail is 'The help desk''s mail address for people; the one for alerts is another.';
comment on column tenants.desk_link is 'Where on the web people find help; https only.';
comment on column tenants.desk_by_group is 'Some groups have a help desk of their own: whether group_contacts needs to be asked at all.';

create table logos (
    tenant_id uuid not null references tenants,
    hash text not null check (hash ~ '^[0-9a-f]{32}$'),
    png bytea not null check (length(png) <= 524288),
    added_at timestamptz not null,
    primary key (tenant_id, hash)
);
comment on table logos is 'Logos as we drew them ourselves from what was uploaded; the last few of each tenant, so that a change can be taken back.';
comment on column logos.tenant_id is 'Whose.';
comment on column logos.hash is 'Of the picture: the beginning of its SHA-256 in hexadecimal. Part of its address.';
comment on column logos.png is 'The picture, within fixed bounds; nothing but pixels.';
comment on column logos.added_at is 'When it was last uploaded.';

create table group_contacts (
    tenant_id uuid not null,
    connector_id uuid not null,
    group_guid uuid not null,
    priority integer not null check (priority between 1 and 10000),
    help text check (length(help) between 1 and 200),
    phone text check (length(phone) between 1 and 40),
    mail text check (length(mail) between 1 and 254),
    link text check (link like 'https://%' and length(link) <= 300),
    primary key (connector_id, group_guid),
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table group_contacts is 'Help desks of groups: shown to their members once they have proven who they are, in the place of the tenant''s. No foreign key to groups, as for policies.';
comment on column group_contacts.tenant_id is 'The connector''s.';
comment on column group_contacts.connector_id is 'In which directory.';
comment on column group_contacts.group_guid is 'objectGUID or entryUUID.';
comment on column group_contacts.priority is 'Of several that apply to a person the one with the lowest number holds.';
comment on column group_contacts.help is 'In words.';
comment on column group_contacts.phone is 'Its number, as people read it.';
comment on column group_contacts.mail is 'Its mail address.';
comment on column group_contacts.link is 'Where on the web they find help; https only.';

alter table history drop constraint history_what_check, add constraint history_what_check check (what in ('policies', 'settings', 'branding'));
