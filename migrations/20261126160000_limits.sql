-- Limits per client address, destination, country and tenant; the tenants' own allowances; proofs of work, each good once.

alter table tenants
    add column address_limit integer not null default 120 check (address_limit between 10 and 1000000),
    add column sms_budget integer default 1000 check (sms_budget >= 0),
    add column mail_budget integer check (mail_budget >= 0),
    add column sms_countries text[] not null default '{}'
        check (array_to_string(sms_countries, ',') ~ '^([1-9][0-9]{0,6}(,[1-9][0-9]{0,6})*)?$');
comment on column tenants.address_limit is 'Of each: begins, tries and codes for one client address in ten minutes.';
comment on column tenants.sms_budget is 'Codes by text message a day; null: as many as are asked for.';
comment on column tenants.mail_budget is 'Codes by mail a day; null: as many as are asked for.';
comment on column tenants.sms_countries is 'Beginnings of numbers, without +, that may get text messages: calling codes or longer. Empty: all.';

comment on table limits is 'Counters, counted and committed before anything is compared or sent.';
comment on column limits.subject is 'Of an account, of what was typed, of a destination: a keyed hash. Of a network: its address, of IPv6 the first 8 bytes. Of a country: its calling code. Of the whole tenant: empty.';
comment on column limits.kind is 'What is counted, for whom: domain/limits has the list.';
create index limits_until on limits (until);

-- Counts one for each subject, in this order, which must be the same for all who count. Of a kind all subjects are counted; where one of a kind
-- is exhausted the kinds that follow are not: whoever is stopped at the door uses up nobody's tries. An allowance that is null is the
-- tenant's own; where that is null as well there is no limit. What weighs nothing is only looked at, at the same cost.
create function limit_take(tenant uuid, kinds text[], subjects bytea[], mosts integer[], windows interval[], weights integer[], longest interval, ahead interval)
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
        insert into limits as l (tenant_id, subject, kind, used, until) values (tenant, subjects[i], kinds[i], weights[i], at + windows[i])
        on conflict on constraint limits_pkey do update set
            used = case when l.until <= at then weights[i] else least(l.used + weights[i], most + 1) end,
            strikes = case when l.until > at then l.strikes when l.until < at - interval '1 day' then 0
                           when l.used >= most then least(l.strikes + 1, 10) else l.strikes end,
            until = case when l.until > at then l.until
                         else at + least(greatest(longest, windows[i]),
                                         windows[i] * (1 << case when l.used >= most and l.until >= at - interval '1 day'
                                                                 then least(l.strikes + 1, 10) else 0 end)) end
        returning l.used, l.until into used, until;
        over := over or used > most or weights[i] = 0 and used >= most;
        return next;
    end loop;
end $$;
comment on function limit_take is 'Counts one for each subject; domain/limits has what for.';

create unlogged table spent_work (
    tenant_id uuid not null,
    challenge bytea not null check (length(challenge) = 32),
    network bytea not null,
    at timestamptz not null,
    primary key (tenant_id, challenge)
);
comment on table spent_work is 'Challenges whose proof of work was accepted: none is taken twice, by any node. Unlogged: a crash of the database forgets ten minutes.';
comment on column spent_work.tenant_id is 'Whose portal took it.';
comment on column spent_work.challenge is 'The challenge''s signature.';
comment on column spent_work.network is 'Of whom: as in limits.';
comment on column spent_work.at is 'When; how many came in the last minute says how much work is asked for next.';
create index spent_work_at on spent_work (at);
