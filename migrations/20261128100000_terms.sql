-- Which countries get text messages, and how often somebody may try, are a policy's to say, too: a group abroad, or one whose passwords the
-- directory locks sooner.
alter table policies
    add column countries text[] not null default '{}',
    add column tries integer not null default 5 check (tries between 3 and 10),
    add column sends integer not null default 5 check (sends between 2 and 10),
    add column passwords integer not null default 3 check (passwords between 1 and 10);
comment on column policies.countries is 'How numbers begin that get text messages, without +, in place of the tenant''s; empty: as the tenant says.';
comment on column policies.tries is 'Tries at a code in ten minutes.';
comment on column policies.sends is 'Codes that are sent in a quarter of an hour.';
comment on column policies.passwords is 'Tries at the current password in half an hour: fewer than the directory''s own lock takes.';

alter table flows
    add column tries integer not null default 5,
    add column sends integer not null default 5;
comment on column flows.tries is 'As the policy had it when it began: of a decoy, whosever''s answer it borrowed.';
comment on column flows.sends is 'The same.';

alter table limits add column allowed integer;
comment on column limits.allowed is 'How many were allowed when it was last counted; null: as the tenant has it.';

drop function policy_of;
create function policy_of(tenant uuid, account uuid)
returns table (policy_id uuid, serves boolean, methods text[], gates smallint, apart boolean, cooling_off integer, privileged boolean, rises boolean,
    countries text[], tries integer, sends integer, passwords integer)
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
    -- Where nobody is served, what stands beside it means nothing.
    countries := case when found.serves then found.countries else '{}' end;
    tries := coalesce(found.tries, 5);
    sends := coalesce(found.sends, 5);
    passwords := coalesce(found.passwords, 3);
    privileged := watched;
    if watched then
        methods := array(select m from unnest(methods) with ordinality as r (m, n) where m <> all (array['sms', 'help_desk']) order by n);
        gates := 2;
        apart := false;
        rises := false;
        cooling_off := greatest(cooling_off, 72);
        tries := least(tries, 5);
        sends := least(sends, 5);
        passwords := least(passwords, 3);
    end if;
    return next;
end $$;
comment on function policy_of is 'What holds for a person at this moment. For privileged people it is stricter: two proofs of different classes, no text message, no help desk code, three days of cooling-off, no more tries than are usual.';

create or replace function limit_take(tenant uuid, kinds text[], subjects bytea[], mosts integer[], windows interval[], weights integer[], longest interval, ahead interval)
returns table (n integer, used integer, most integer, until timestamptz) language plpgsql as $$
declare
    own tenants;
    over boolean := false;
    at timestamptz;
begin
    select * into strict own from tenants t where t.tenant_id = tenant;
    for i in 1 .. cardinality(kinds) loop
        exit when over and kinds[i] <> kinds[i - 1];
        n := i;
        most := coalesce(mosts[i], case kinds[i] when 'sms_budget' then own.sms_budget when 'mail_budget' then own.mail_budget else own.address_limit end);
        continue when most is null;
        at := clock_timestamp() + ahead;
        -- The row lock makes concurrent takers queue up, and the update sees the committed count. A window that was used up makes the
        -- next one twice as long, unless a day in peace lies between.
        insert into limits as l (tenant_id, subject, kind, used, until, allowed)
            values (tenant, subjects[i], kinds[i], weights[i], at + windows[i], mosts[i])
        on conflict on constraint limits_pkey do update set
            -- Never fewer than there were: whoever comes by a smaller number takes nothing back of what others by a larger one have used.
            used = case when l.until <= at then weights[i] else greatest(l.used, least(l.used + weights[i], most + 1)) end,
            strikes = case when l.until > at then l.strikes when l.until < at - interval '1 day' then 0
                           when l.used >= most then least(l.strikes + 1, 10) else l.strikes end,
            until = case when l.until > at then l.until
                         else at + least(greatest(longest, windows[i]),
                                         windows[i] * (1 << case when l.used >= most and l.until >= at - interval '1 day'
                                                                 then least(l.strikes + 1, 10) else 0 end)) end,
            allowed = excluded.allowed
        returning l.used, l.until into used, until;
        over := over or used > most or weights[i] = 0 and used >= most;
        return next;
    end loop;
end $$;
