-- That more is asked of whoever has more holds for whoever is on the way when it is switched on, too.
create or replace function lawful(tenant uuid, account uuid, passed text[], asked smallint) returns boolean language sql stable as $$
    select exists (select from policy_of(tenant, account) p where p.serves and passed <@ p.methods
        and (select count(distinct method_class(m, p.apart)) from unnest(passed) m) >= coalesce(asked,
            case when p.rises and not passed && array['totp', 'passkey'] and exists (select from authenticators a
                where a.tenant_id = tenant and a.user_id = account and a.kind in ('totp', 'passkey') and a.kind = any(p.methods)
                    and a.usable_from <= now() and a.stopped_at is null) then 2 else p.gates end))
$$;
comment on function lawful is 'Whether these proofs would do at this moment: asked again at every step that could carry a password. How many they must be, the policy says where the caller does not.';
