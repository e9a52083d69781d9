-- Recovery codes raise what is asked as an app and a passkey do: whoever sneaked some in while they had the password must not be let in by
-- them alone once it is another.
comment on column policies.rises is 'Of whoever has an authenticator app, a passkey or recovery codes it takes two proofs; a passkey is as good as two.';
comment on column flows.rises is 'Two proofs are asked because there is an app, a passkey or a recovery code: a passkey is as good as two.';
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
            where a.tenant_id = tenant and a.user_id = account and a.usable_from <= now() and a.stopped_at is null
                and (a.kind in ('totp', 'passkey') and a.kind = any(p.methods)
                    or a.kind = 'recovery_codes' and 'recovery_code' = any(p.methods) and not 'recovery_code' = any(passed)
                        and exists (select from recovery_codes c where c.authenticator_id = a.authenticator_id and c.used_at is null)))
            then 2 else p.gates end;
    end if;
    return (select count(distinct method_class(m, p.apart)) from unnest(passed) m) >= most;
end $$;
