-- Policies hold for accounts that follow as well: one that no policy serves, or that is a privileged person's, gets no password by the
-- proofs of another account.
create or replace function followers_of(tenant uuid, account uuid) returns setof uuid language plpgsql stable as $$
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
                where u.tenant_id = tenant and u.user_id = found[1] and u.connector_id = place.connector_id
                    and exists (select from policy_of(tenant, u.user_id) p where p.serves and not p.privileged);
        end if;
    end loop;
end $$;
