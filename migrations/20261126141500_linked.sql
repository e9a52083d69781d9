-- People with accounts in several directories of a tenant: which account follows which, and which job follows which.

alter table connectors
    add column if not exists linked boolean not null default false,
    add column link_by text check (link_by in ('sign_in_name', 'principal_name', 'mail', 'list'));
comment on column connectors.linked is 'Its accounts follow those of the tenant''s other directories: a new password there is set here as well. Off until an administrator switches it on.';
comment on column connectors.link_by is 'What an account here and the one it follows have in common; list: only what an administrator has listed.';

create table user_links (
    tenant_id uuid not null,
    linked_id uuid not null,
    primary_id uuid not null,
    connector_id uuid not null,
    made_at timestamptz not null,
    primary key (tenant_id, linked_id),
    unique (tenant_id, primary_id, connector_id),
    foreign key (tenant_id, linked_id) references users (tenant_id, user_id),
    foreign key (tenant_id, primary_id) references users (tenant_id, user_id),
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id),
    check (linked_id <> primary_id)
);
comment on table user_links is 'An administrator''s list: which account of a linked directory follows which other one. Holds for a connector whose link_by is list.';
comment on column user_links.tenant_id is 'Whose; both accounts''.';
comment on column user_links.linked_id is 'The account that follows.';
comment on column user_links.primary_id is 'The account that people prove to be theirs.';
comment on column user_links.connector_id is 'The directory of the account that follows.';
comment on column user_links.made_at is 'When it was listed.';

-- Each way by an index of its own. A directory may leave an attribute empty: what nobody has is nothing in common.
create view live_links (tenant_id, primary_id, linked_id, connector_id) as
    select p.tenant_id, p.user_id, l.user_id, l.connector_id
    from users p
        join connectors pc on pc.tenant_id = p.tenant_id and pc.connector_id = p.connector_id and not pc.linked
        join users l on l.tenant_id = p.tenant_id and l.sign_in_name = p.sign_in_name
        join connectors c on c.tenant_id = l.tenant_id and c.connector_id = l.connector_id and c.linked and c.link_by = 'sign_in_name'
    where p.removed_at is null and l.removed_at is null and p.sign_in_name <> '' and not exists (
        select 1 from users o join connectors oc on oc.tenant_id = o.tenant_id and oc.connector_id = o.connector_id
        where o.tenant_id = p.tenant_id and o.sign_in_name = p.sign_in_name and o.removed_at is null and o.user_id not in (p.user_id, l.user_id)
            and (o.connector_id = l.connector_id or not oc.linked))
    union all
    select p.tenant_id, p.user_id, l.user_id, l.connector_id
    from users p
        join connectors pc on pc.tenant_id = p.tenant_id and pc.connector_id = p.connector_id and not pc.linked
        join users l on l.tenant_id = p.tenant_id and l.principal_name = p.principal_name
        join connectors c on c.tenant_id = l.tenant_id and c.connector_id = l.connector_id and c.linked and c.link_by = 'principal_name'
    where p.removed_at is null and l.removed_at is null and p.principal_name <> '' and not exists (
        select 1 from users o join connectors oc on oc.tenant_id = o.tenant_id and oc.connector_id = o.connector_id
        where o.tenant_id = p.tenant_id and o.principal_name = p.principal_name and o.removed_at is null and o.user_id not in (p.user_id, l.user_id)
            and (o.connector_id = l.connector_id or not oc.linked))
    union all
    select p.tenant_id, p.user_id, l.user_id, l.connector_id
    from users p
        join connectors pc on pc.tenant_id = p.tenant_id and pc.connector_id = p.connector_id and not pc.linked
        join users l on l.tenant_id = p.tenant_id and l.mail_index = p.mail_index
        join connectors c on c.tenant_id = l.tenant_id and c.connector_id = l.connector_id and c.linked and c.link_by = 'mail'
    where p.removed_at is null and l.removed_at is null and not exists (
        select 1 from users o join connectors oc on oc.tenant_id = o.tenant_id and oc.connector_id = o.connector_id
        where o.tenant_id = p.tenant_id and o.mail_index = p.mail_index and o.removed_at is null and o.user_id not in (p.user_id, l.user_id)
            and (o.connector_id = l.connector_id or not oc.linked))
    union all
    select k.tenant_id, k.primary_id, k.linked_id, k.connector_id
    from user_links k
        join users p on p.tenant_id = k.tenant_id and p.user_id = k.primary_id
        join users l on l.tenant_id = k.tenant_id and l.user_id = k.linked_id
        join connectors pc on pc.tenant_id = p.tenant_id and pc.connector_id = p.connector_id and not pc.linked
        join connectors c on c.tenant_id = k.tenant_id and c.connector_id = k.connector_id and c.linked and c.link_by = 'list'
    where p.removed_at is null and l.removed_at is null;
comment on view live_links is 'Which account follows which at this moment, by what the mirror holds. What is ambiguous on either side never links: a password must not reach an account that may be somebody else''s. Whether either may be served is not asked here.';

create table linked_jobs (
    primary_id uuid not null,
    job_id uuid not null unique,
    tenant_id uuid not null,
    user_id uuid not null,
    connector_id uuid not null,
    primary key (primary_id, job_id)
);
comment on table linked_jobs is 'Jobs that follow another: held until that one has set the password, then let go, or else cancelled. Or made afterwards, where a linked directory refused the password.';
comment on column linked_jobs.primary_id is 'The job that goes first.';
comment on column linked_jobs.job_id is 'The job that follows. UUID v7.';
comment on column linked_jobs.tenant_id is 'Whose; both jobs''.';
comment on column linked_jobs.user_id is 'The account that follows.';
comment on column linked_jobs.connector_id is 'Its directory.';

alter table jobs add column part text check (part in ('first', 'follows'));
comment on column jobs.part is 'first: others are held until it has set the password. follows: one of those. Null: it stands alone.';
alter table jobs drop constraint jobs_state_check;
alter table jobs add constraint jobs_state_check check (state in ('offered', 'held', 'submitted', 'leased', 'applied', 'refused',
    'failed', 'expired', 'superseded', 'cancelled', 'unknown', 'reconciled'));
alter table jobs drop constraint jobs_sealed;
alter table jobs add constraint jobs_sealed check ((envelopes is not null)
    = (state in ('held', 'submitted', 'leased') and kind in ('reset', 'temporary', 'change', 'verify')));
alter table jobs drop constraint jobs_check1;
alter table jobs add constraint jobs_ended check ((finished_at is null) = (state in ('offered', 'held', 'submitted', 'leased')));
comment on column jobs.state is 'See src/domain/queue/state.rs; all but the first four are ends.';
comment on column active_jobs.agents is 'Who can open it; nobody while it is held.';

alter table flows
    add column root_id uuid,
    add column aim_id uuid;
comment on column flows.root_id is 'The job that went first, once another password is chosen for one of the accounts that follow.';
comment on column flows.aim_id is 'The account that follows for which another password is being chosen.';
