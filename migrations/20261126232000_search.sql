-- Finding people as an operator types: by the beginnings of the words of their names, by whole addresses, by the last digits of a number.
-- Names stand here in clear, and so may their words. Addresses and numbers do not: of them there is a keyed hash, of a number one of
-- its last four digits alone.

create function people_words(tenant uuid, typed text) returns text[] language sql immutable parallel safe as $$
    select array(select distinct right(tenant::text, 12) || left(w, 64)
        from regexp_split_to_table(regexp_replace(normalize(replace(lower(typed), 'ß', 'ss'), nfkd), '[\u0300-\u036f]', '', 'g'), '[^[:alnum:]]+') w
        where w <> '')
$$;
comment on function people_words is 'The words of a name, without accents, each behind the end of its tenant''s id: so one index serves all tenants and each finds only its own. The same is done with what is stored and with what is typed.';

create function people_names(tenant uuid, display text, sign_in text, principal text) returns tsvector language sql immutable parallel safe as $$
    select array_to_tsvector(people_words(tenant, display || ' ' || split_part(sign_in, '@', 1) || ' ' || split_part(principal, '@', 1)))
$$;
comment on function people_names is 'What somebody is found by as one types. Not by what stands behind the @: that is everybody''s.';

create function people_asked(tenant uuid, typed text) returns tsquery language sql immutable parallel safe as $$
    select string_agg(quote_literal(w) || ':*', ' & ')::tsquery from unnest(people_words(tenant, split_part(typed, '@', 1))) w
$$;
comment on function people_asked is 'Every word that was typed must begin a word of the name; what stands behind an @ counts only in a whole address. Null: nothing was typed.';

create index users_names on users using gin (people_names(tenant_id, display_name, sign_in_name, principal_name)) with (fastupdate = off)
    where removed_at is null;

alter table users
    add column directory_mobile_end bytea check (length(directory_mobile_end) = 32),
    add column listed_mobile_end bytea check (length(listed_mobile_end) = 32),
    add column own_mobile_end bytea check (length(own_mobile_end) = 32),
    add column mobile_end bytea generated always as (coalesce(own_mobile_end, listed_mobile_end, directory_mobile_end)) stored,
    add check (directory_mobile_end is null or directory_mobile is not null),
    add check (listed_mobile_end is null or listed_mobile is not null),
    add check (own_mobile_end is null or own_mobile is not null);
comment on column users.directory_mobile_end is 'Keyed hash of the last four digits of directory_mobile, to find it by.';
comment on column users.listed_mobile_end is 'The same of listed_mobile.';
comment on column users.own_mobile_end is 'The same of own_mobile.';
comment on column users.mobile_end is 'The same of mobile: the one that counts.';
create index users_mobile_end on users (tenant_id, mobile_end) where removed_at is null;

-- Agents tell everybody anew with their next full pass, and the numbers' ends with them.
update users set content = null where content is not null;
