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

-- Step by step, each by an index of its own, and at once over where nothing is linked: a plan for a view of this was a good one only with
-- good statistics, and a bad one told by its time which names exist.
create function followers_of(tenant uuid, account uuid) returns setof uuid language plpgsql stable as $$
declare
    me users;
    place record;
    found uuid[];
begin
    if not exists (select from connectors c where c.tenant_id = tenant and c.linked) then
        return;
    end if;
    select u.* into me from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
        where u.tenant_id = tenant and u.user_id = account and u.removed_at is null and not c.linked;
    if me.user_id is null then
        return;
    end if;
    for place in select c.connector_id, c.link_by from connectors c where c.tenant_id = tenant and c.linked loop
        -- Who else has it: of that directory, or of one that goes first. A directory may leave an attribute empty: what nobody has is
        -- nothing in common.
        found := case place.link_by
            when 'sign_in_name' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
                where u.tenant_id = tenant and u.sign_in_name = me.sign_in_name and me.sign_in_name <> '' and u.removed_at is null
                    and u.user_id <> account and (u.connector_id = place.connector_id or not c.linked))
            when 'principal_name' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
                where u.tenant_id = tenant and u.principal_name = me.principal_name and me.principal_name <> '' and u.removed_at is null
                    and u.user_id <> account and (u.connector_id = place.connector_id or not c.linked))
            when 'mail' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
                where u.tenant_id = tenant and u.mail_index = me.mail_index and u.removed_at is null
                    and u.user_id <> account and (u.connector_id = place.connector_id or not c.linked))
            else array(select k.linked_id from user_links k join users u on u.tenant_id = k.tenant_id and u.user_id = k.linked_id
                where k.tenant_id = tenant and k.primary_id = account and k.connector_id = place.connector_id and u.removed_at is null)
        end;
        -- What is ambiguous on either side never links: a password must not reach an account that may be somebody else's.
        if cardinality(found) = 1 then
            return query select u.user_id from users u
                where u.tenant_id = tenant and u.user_id = found[1] and u.connector_id = place.connector_id;
        end if;
    end loop;
end $$;
comment on function followers_of is 'The accounts that follow this one at this moment, by what the mirror holds and each connector''s link_by. Whether they may be served is not asked here.';

create function first_of(tenant uuid, account uuid) returns uuid language plpgsql stable as $$
declare
    me users;
    rule text;
    found uuid[];
begin
    select c.link_by into rule from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
        where u.tenant_id = tenant and u.user_id = account and u.removed_at is null and c.linked;
    if rule is null then
        return null;
    end if;
    select u.* into me from users u where u.tenant_id = tenant and u.user_id = account;
    found := case rule
        when 'sign_in_name' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
            where u.tenant_id = tenant and u.sign_in_name = me.sign_in_name and u.removed_at is null and not c.linked)
        when 'principal_name' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
            where u.tenant_id = tenant and u.principal_name = me.principal_name and u.removed_at is null and not c.linked)
        when 'mail' then array(select u.user_id from users u join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
            where u.tenant_id = tenant and u.mail_index = me.mail_index and u.removed_at is null and not c.linked)
        else array(select k.primary_id from user_links k where k.tenant_id = tenant and k.linked_id = account)
    end;
    if cardinality(found) = 1 and account in (select followers_of(tenant, found[1])) then
        return found[1];
    end if;
    return null;
end $$;
comment on function first_of is 'The account that this one follows at this moment; null where it follows none.';

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
