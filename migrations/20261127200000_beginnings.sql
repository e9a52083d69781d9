-- Whose name begins with what was typed is found in the order of names, so the first of very many are found as quickly as one of a few:
-- the index of words has to look at all of them first.
create function people_beginning(name text) returns text language sql immutable parallel safe as $$
    select left(regexp_replace(normalize(replace(lower(name), 'ß', 'ss'), nfkd), '[\u0300-\u036f]', '', 'g'), 64)
$$;
comment on function people_beginning is 'A name, or what was typed, without capitals and accents: as people_words has its words.';

create index users_beginning on users (tenant_id, (people_beginning(display_name)) collate "C") where removed_at is null;

create or replace function people_named(tenant uuid, typed text, connectors uuid[], guids uuid[], most bigint) returns setof uuid
language plpgsql stable security definer rows 100 set search_path = public, pg_temp as $$
declare
    beginning constant text := people_beginning(typed);
    enough constant int := 50;
    first uuid[];
begin
    if tenant <> nullif(current_setting('sspr.tenant', true), '')::uuid then
        return;
    end if;
    -- Of a group's few members there may be none among thousands who begin so.
    if connectors is null and beginning <> '' then
        first := array(select u.user_id from users u
            where u.tenant_id = tenant and u.removed_at is null
                and people_beginning(u.display_name) collate "C" >= beginning
                and people_beginning(u.display_name) collate "C" < beginning || chr(1114111)
            order by people_beginning(u.display_name) collate "C" limit enough);
        if cardinality(first) = enough then
            return query select unnest(first);
            return;
        end if;
    end if;
    return query select u.user_id from users u
        where u.tenant_id = tenant and u.removed_at is null
            and people_names(u.tenant_id, u.display_name, u.sign_in_name, u.principal_name) @@ people_asked(tenant, typed)
            and (connectors is null or exists (
                select from memberships m join unnest(connectors, guids) as g (connector_id, group_guid) using (connector_id, group_guid)
                where m.tenant_id = tenant and m.user_id = u.user_id))
        limit most;
end $$;

-- The functions of an index name one another with their schema: while a dump is restored there is no search path, and the index could not
-- be made.
create or replace function people_names(tenant uuid, display text, sign_in text, principal text) returns tsvector language sql immutable parallel safe as $$
    select array_to_tsvector(public.people_words(tenant, display || ' ' || split_part(sign_in, '@', 1) || ' ' || split_part(principal, '@', 1)))
$$;
