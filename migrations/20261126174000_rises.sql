-- A policy that asks one proof of whoever has no more, and two of whoever has an authenticator app or a passkey: nobody is locked out for
-- having registered nothing, and whoever registered something is protected by it.

alter table policies add column rises boolean not null default false;
comment on column policies.rises is 'Of whoever has an authenticator app or a passkey it takes two proofs; a passkey is as good as two.';
alter table flows add column rises boolean not null default false, add column caller_id uuid;
alter table flows drop constraint flows_check, add constraint flows_verified
    check (state <> 'verified' or user_id is not null and (cardinality(passed) >= gates or rises and 'passkey' = any(passed)));
comment on column flows.rises is 'Two proofs are asked because there is an app or a passkey: a passkey is as good as two.';
comment on column flows.caller_id is 'Where the flow is nobody''s: the person of that name who has too few methods, whom the help desk may verify. No foreign key: as with user_id.';

drop function policy_of;
create function policy_of(tenant uuid, account uuid)
returns table (policy_id uuid, serves boolean, methods text[], gates smallint, apart boolean, cooling_off integer, privileged boolean, rises boolean)
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
    rises := coalesce(found.rises, false) and gates = 1;
    privileged := watched;
    if watched then
        methods := array(select m from unnest(methods) with ordinality as r (m, n) where m <> all (array['sms', 'help_desk']) order by n);
        gates := 2;
        apart := false;
        rises := false;
        cooling_off := greatest(cooling_off, 72);
    end if;
    return next;
end $$;
comment on function policy_of is 'What holds for a person at this moment. For privileged people it is stricter: two proofs of different classes, no text message, no help desk code, three days of cooling-off.';

create or replace function tenant_policy() returns trigger language plpgsql as $$
begin
    insert into policies (policy_id, tenant_id, name, priority, everybody, serves, methods, gates, rises, changed_at)
    values (gen_random_uuid(), new.tenant_id, 'Everybody', 1000, true, true,
        array['private_email', 'email', 'sms', 'totp', 'passkey', 'recovery_code'], 1, true, new.created_at);
    return null;
end $$;
