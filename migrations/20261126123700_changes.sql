-- Every node keeps for a moment what it shows of a tenant. Whoever changes that, by whatever program, tells all of them.

create function tell_change() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform pg_notify('sspr_changed', old.tenant_id::text);
    end if;
    if tg_op <> 'DELETE' then
        perform pg_notify('sspr_changed', new.tenant_id::text);
    end if;
    return null;
end $$;
comment on function tell_change is 'Told at commit. Committing notifiers wait for one another, so this stands on what changes rarely.';

create trigger tenants_tell after update or delete on tenants for each row execute function tell_change();
create trigger tenant_hosts_tell after update or delete on tenant_hosts for each row execute function tell_change();
create trigger connectors_tell after update or delete on connectors for each row execute function tell_change();
