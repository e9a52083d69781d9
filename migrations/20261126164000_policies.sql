-- Who may reset, by which proofs, in order of priority.

create table policies (
    policy_id uuid primary key,
    tenant_id uuid not null references tenants,
    name text not null check (length(name) between 1 and 100),
    priority integer not null check (priority between 1 and 10000),
    everybody boolean not null,
    serves boolean not null,
    methods text[] not null check (methods <@ array['email', 'private_email', 'sms', 'totp', 'passkey', 'recovery_code', 'help_desk']),
    gates smallint not null check (gates in (1, 2)),
    apart boolean not null default false,
    cooling_off integer not null default 24 check (cooling_off between 0 and 720),
    changed_at timestamptz not null,
    unique (tenant_id, policy_id),
    unique (tenant_id, priority),
    unique (tenant_id, name)
);
comment on table policies is 'Who may reset and by which proofs. Of those that apply to a person the one with the lowest priority holds; to whom none applies is not served.';
comment on column policies.policy_id is 'A UUID.';
comment on column policies.tenant_id is 'Whose people it is for.';
comment on column policies.name is 'For administrators.';
comment on column policies.priority is '1 comes first.';
comment on column policies.everybody is 'It applies to everybody but for its exceptions; otherwise to its groups, but for its exceptions.';
comment on column policies.serves is 'False: whom it applies to gets no self-service.';
comment on column policies.methods is 'What may prove who somebody is.';
comment on column policies.gates is 'How many proofs of different classes it takes.';
comment on column policies.apart is 'Mail and text message count as two classes. Read strictly they are one (NIST SP 800-63B-4, 4.2.1: both are issued codes).';
comment on column policies.cooling_off is 'Hours for which a new or changed method proves nothing.';
comment on column policies.changed_at is 'When an administrator last changed it.';

create table policy_groups (
    tenant_id uuid not null,
    policy_id uuid not null,
    connector_id uuid not null,
    group_guid uuid not null,
    excepted boolean not null,
    primary key (policy_id, connector_id, group_guid),
    foreign key (tenant_id, policy_id) references policies (tenant_id, policy_id) on delete cascade,
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table policy_groups is 'The groups of policies. No foreign key to groups: a group that agents tell no more must not silently drop out of a policy.';
comment on column policy_groups.tenant_id is 'The policy''s.';
comment on column policy_groups.policy_id is 'Whose group it is.';
comment on column policy_groups.connector_id is 'In which directory.';
comment on column policy_groups.group_guid is 'objectGUID or entryUUID.';
comment on column policy_groups.excepted is 'The policy does not apply to its members. While agents do not tell them, nobody can say who they are: then the policy serves nobody.';

create table privileged_groups (
    tenant_id uuid not null,
    connector_id uuid not null,
    group_guid uuid not null,
    primary key (connector_id, group_guid),
    foreign key (tenant_id, connector_id) references connectors (tenant_id, connector_id)
);
comment on table privileged_groups is 'Whoever is in one of them proves more, whatever the policy says. While agents do not tell such a group, that holds for everybody in its directory.';
comment on column privileged_groups.tenant_id is 'The connector''s.';
comment on column privileged_groups.connector_id is 'In which directory.';
comment on column privileged_groups.group_guid is 'objectGUID or entryUUID.';

alter table flows add column apart boolean not null default false;
comment on column flows.apart is 'As the policy had it when the flow began: mail and text message count as two classes.';

alter table tenants add column mail_domains text[] not null default '{}';
comment on column tenants.mail_domains is 'Lower case: domains of mailboxes that open with the very password that is reset. They prove nothing alone.';

-- A tenant has a policy for everybody from its first moment.
create function tenant_policy() returns trigger language plpgsql as $$
begin
    insert into policies (policy_id, tenant_id, name, priority, everybody, serves, methods, gates, changed_at)
    values (gen_random_uuid(), new.tenant_id, 'Everybody', 1000, true, true,
        array['private_email', 'email', 'sms', 'totp', 'passkey', 'recovery_code'], 1, new.created_at);
    return null;
end $$;
comment on function tenant_policy is 'Makes the policy for everybody.';
insert into policies (policy_id, tenant_id, name, priority, everybody, serves, methods, gates, apart, changed_at)
    select gen_random_uuid(), tenant_id, 'Everybody', 1000, true, true,
        array['private_email', 'email', 'sms', 'totp', 'passkey', 'recovery_code'], gates, gates = 2, created_at from tenants;
create trigger tenants_policy after insert on tenants for each row execute function tenant_policy();
alter table tenants drop column gates;

create function policy_of(tenant uuid, account uuid)
returns table (policy_id uuid, serves boolean, methods text[], gates smallint, apart boolean, cooling_off integer, privileged boolean)
language plpgsql stable as $$
declare
    found policies;
    watched boolean := exists (select from privileged_groups p where p.tenant_id = tenant and (
        exists (select from memberships m where m.user_id = account and m.connector_id = p.connector_id and m.group_guid = p.group_guid)
        or not exists (select from groups g where g.connector_id = p.connector_id and g.object_guid = p.group_guid)
            and exists (select from users u where u.tenant_id = tenant and u.user_id = account and u.connector_id = p.connector_id)));
begin
    select p.* into found from policies p where p.tenant_id = tenant
        and (p.everybody or exists (select from policy_groups g join memberships m using (connector_id, group_guid)
            where g.policy_id = p.policy_id and not g.excepted and m.user_id = account))
        and not exists (select from policy_groups g join memberships m using (connector_id, group_guid)
            where g.policy_id = p.policy_id and g.excepted and m.user_id = account)
        order by p.priority limit 1;
    policy_id := found.policy_id;
    serves := coalesce(found.serves, false) and not exists (select from policy_groups e
        where e.policy_id = found.policy_id and e.excepted
            and not exists (select from groups g where g.connector_id = e.connector_id and g.object_guid = e.group_guid))
        and not exists (select from policies p join policy_groups g using (tenant_id, policy_id)
            join users u on u.tenant_id = tenant and u.user_id = account and u.connector_id = g.connector_id
            where p.tenant_id = tenant and p.priority <= found.priority and not p.everybody and not g.excepted
                and not exists (select from groups k where k.connector_id = g.connector_id and k.object_guid = g.group_guid));
    methods := coalesce(found.methods, '{}');
    gates := coalesce(found.gates, 1);
    apart := coalesce(found.apart, false);
    cooling_off := coalesce(found.cooling_off, 24);
    privileged := watched;
    if watched then
        methods := array(select m from unnest(methods) with ordinality as r (m, n) where m <> all (array['sms', 'help_desk']) order by n);
        gates := 2;
        apart := false;
        cooling_off := greatest(cooling_off, 72);
    end if;
    return next;
end $$;
comment on function policy_of is 'What holds for a person at this moment. For privileged people it is stricter: two proofs of different classes, no text message, no help desk code, three days of cooling-off.';

create function method_class(method text, apart boolean) returns text language sql immutable as $$
    select case when method in ('email', 'private_email') then 'mail'
        when method = 'sms' and not apart then 'mail' else method end
$$;
comment on function method_class is 'Two proofs of one class are one proof.';

create function lawful(tenant uuid, account uuid, passed text[], asked smallint) returns boolean language sql stable as $$
    select exists (select from policy_of(tenant, account) p where p.serves and passed <@ p.methods
        and (select count(distinct method_class(m, p.apart)) from unnest(passed) m) >= coalesce(asked, p.gates))
$$;
comment on function lawful is 'Whether these proofs would do at this moment: asked again at every step that could carry a password. How many they must be, the policy says where the caller does not.';
