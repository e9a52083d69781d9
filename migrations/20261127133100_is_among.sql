create function is_among(account uuid, connectors uuid[], guids uuid[]) returns boolean
language sql stable as $$
    select guids is null or exists (select from memberships m join unnest(connectors, guids) as g (connector_id, group_guid)
        using (connector_id, group_guid) where m.user_id = account)
$$;
comment on function is_among is 'Whether an account is in one of these groups, each a connector and an object of it, however deep; no list: everybody is.';
