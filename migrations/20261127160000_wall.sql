-- The second wall: whatever a door's statement forgets to say, it sees and writes rows of one tenant. The first is that each says
-- `tenant_id = $1`, and that keys which cross tables bear the tenant.
--
-- The doors of people and operators are `sspr_tenant` while they work, whom row-level security holds to the tenant that `sspr.tenant`
-- names, and who has the rights below and no others. Whoever migrates and serves owns the tables and is held by it too (forced), but
-- by a policy that lets everything through: agents, the queue, the worker and the command line work across tenants.

-- Roles are the cluster's: another database's migration may make it at this very moment.
do $$
declare
    found pg_roles;
    -- Since 16 whoever creates a role has it to grant, and is not in it.
    inside text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
    if not exists (select from pg_roles where rolname = 'sspr_tenant') then
        begin
            create role sspr_tenant nologin;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise exception '% may not create roles', current_user
                    using hint = format('As a superuser, once: create role sspr_tenant nologin; grant sspr_tenant to %I; then migrate again.', current_user);
        end;
    end if;
    select * into strict found from pg_roles where rolname = 'sspr_tenant';
    if found.rolsuper or found.rolbypassrls or found.rolcanlogin then
        raise exception 'the role sspr_tenant must be nologin, nosuperuser and nobypassrls';
    end if;
    if not pg_has_role(current_user, 'sspr_tenant', inside) then
        begin
            execute format('grant sspr_tenant to %I', current_user);
        exception
            when insufficient_privilege then
                raise exception '% is not in the role sspr_tenant', current_user
                    using hint = format('As a superuser, once: grant sspr_tenant to %I; then migrate again.', current_user);
            -- Two at once for the same role.
            when others then
                if not pg_has_role(current_user, 'sspr_tenant', inside) then
                    raise;
                end if;
        end;
    end if;
end $$;

-- Every table that bears a tenant, as the catalog has them. A migration that makes another one calls it at its end, and grants what the
-- doors may do with it. No setting is no tenant: an error, and never everything.
create function wall_raise() returns void language plpgsql as $$
declare
    one record;
begin
    for one in
        select c.oid::regclass as called, pg_get_userbyid(c.relowner) as owner, c.relrowsecurity and c.relforcerowsecurity as walled,
            exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant') as held,
            exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'house') as open
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    loop
        if not one.walled then
            execute format('alter table %s enable row level security, force row level security', one.called);
        end if;
        if not one.held then
            execute format('create policy tenant on %s to sspr_tenant using (tenant_id = current_setting(''sspr.tenant'')::uuid)
                with check (tenant_id = current_setting(''sspr.tenant'')::uuid)', one.called);
        end if;
        if not one.open then
            -- The audit may be another role's: deploy/postgres/audit-owner.sql.
            execute format('create policy house on %s to %s using (true) with check (true)', one.called,
                concat_ws(', ', quote_ident(current_user), quote_ident(nullif(one.owner, current_user))));
        end if;
    end loop;
end $$;
select wall_raise();

-- Numbers of jobs are a connector's, and it is a tenant's.
alter table job_heads enable row level security, force row level security;
create policy tenant on job_heads to sspr_tenant
    using (exists (select from connectors c where c.connector_id = job_heads.connector_id and c.tenant_id = current_setting('sspr.tenant')::uuid));
do $$
begin
    execute format('create policy house on job_heads to %I using (true) with check (true)', current_user);
end $$;

-- Outside stand, without a right for the doors: used_proofs and signing_keys (the agents' doors, of all tenants), continuity (this
-- database's), and the migrator's own table. Partitions of jobs are reached through it.

grant usage on schema public to sspr_tenant;
grant select on tenants, tenant_hosts, connectors, agents, agent_instances, enrolments, sealing_keys, users, user_links, groups, memberships,
    held_removals, mirror_passes, canary_runs, job_hours, proof_hours, message_hours, coverage_counts, audit_events, audit_unchained, audit_backlogs,
    audit_kinds, audit_chain, audit_checkpoints, history to sspr_tenant;
-- What administrators set, and whom they let in.
grant update on tenants, connectors, agents, users to sspr_tenant;
grant insert on connectors, enrolments to sspr_tenant;
grant delete on held_removals, memberships to sspr_tenant;
grant insert on audit_events, audit_unchained, history to sspr_tenant;
grant select, insert, update, delete on policies, policy_groups, privileged_groups, approval_rules, approvals, report_mails, sso_providers, sso_attempts,
    operators, operator_groups, operator_links, operator_factors, operator_sessions, operator_identities, operator_hands,
    logos, group_contacts, texts, prices to sspr_tenant;
-- What people do.
grant select, insert, update, delete on flows, challenges, limits, spent_work, messages, notices, freezes, authenticators, recovery_codes,
    registrations, contact_changes, nameless_challenges, sessions to sspr_tenant;
grant select, insert, update on jobs, job_heads, linked_jobs to sspr_tenant;
grant select, insert, update, delete on active_jobs to sspr_tenant;

-- Behind row-level security no index answers what Postgres does not know to be leakproof: words and aliases. Who has them is told from
-- outside the wall, as ids and no more, and of no other tenant than the one that is set (doors set one always, the house none); who that is,
-- is read inside.
create function people_named(tenant uuid, typed text, connectors uuid[], guids uuid[], most bigint) returns setof uuid
language plpgsql stable security definer rows 100 set search_path = public, pg_temp as $$
begin
    if tenant <> nullif(current_setting('sspr.tenant', true), '')::uuid then
        return;
    end if;
    return query select u.user_id from users u
        where u.tenant_id = tenant and u.removed_at is null
            and people_names(u.tenant_id, u.display_name, u.sign_in_name, u.principal_name) @@ people_asked(tenant, typed)
            and (connectors is null or exists (
                select from memberships m join unnest(connectors, guids) as g (connector_id, group_guid) using (connector_id, group_guid)
                where m.tenant_id = tenant and m.user_id = u.user_id))
        limit most;
end $$;

create function people_alike(tenant uuid, alias bytea) returns setof uuid
language plpgsql stable security definer rows 10 set search_path = public, pg_temp as $$
begin
    if tenant <> nullif(current_setting('sspr.tenant', true), '')::uuid then
        return;
    end if;
    return query select u.user_id from users u where u.tenant_id = tenant and u.removed_at is null and u.aliases @> array[alias];
end $$;

revoke execute on function people_named(uuid, text, uuid[], uuid[], bigint), people_alike(uuid, bytea) from public;
grant execute on function people_named(uuid, text, uuid[], uuid[], bigint), people_alike(uuid, bytea) to sspr_tenant;
