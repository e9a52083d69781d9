-- The same question with plans that are kept: a function in SQL is planned anew by each statement that calls it, which took longer than
-- answering it.
create or replace function lawful(tenant uuid, account uuid, passed text[], asked smallint) returns boolean language plpgsql stable as $$
declare
    p record;
    most smallint := asked;
begin
    select * into p from policy_of(tenant, account);
    -- What is not known to be so is not so.
    if (p.serves and passed <@ p.methods) is not true then
        return false;
    end if;
    if most is null then
        most := case when p.rises and not passed && array['totp', 'passkey'] and exists (select from authenticators a
            where a.tenant_id = tenant and a.user_id = account and a.kind in ('totp', 'passkey') and a.kind = any(p.methods)
                and a.usable_from <= now() and a.stopped_at is null) then 2 else p.gates end;
    end if;
    return (select count(distinct method_class(m, p.apart)) from unnest(passed) m) >= most;
end $$;
