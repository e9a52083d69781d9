-- Where operators make no codes for callers, no policy can count on one: whoever is judged by it, shown what to choose from or counted as
-- able to use self-service goes by the same answer.
create or replace function policy_of(tenant uuid, account uuid)
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
    if exists (select from tenants t where t.tenant_id = tenant and 'code' = any(t.forbidden)) then
        methods := array_remove(methods, 'help_desk');
    end if;
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
