-- People who have signed in to their own account page.

create table sessions (
    session_id uuid primary key,
    tenant_id uuid not null,
    user_id uuid not null,
    token_hash bytea not null unique check (length(token_hash) = 32),
    device text not null check (length(device) <= 40),
    origin inet,
    begun_at timestamptz not null,
    proved_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    check (proved_at >= begun_at and expires_at > begun_at and expires_at <= begun_at + interval '1 hour')
) with (fillfactor = 70);
comment on table sessions is 'A browser in which somebody has signed in to their own account page. It may change how that person proves who they are, never what others can do.';
comment on column sessions.session_id is 'UUID v7.';
comment on column sessions.tenant_id is 'By the host name of the portal: the cookie is worth nothing at another one.';
comment on column sessions.user_id is 'Who.';
comment on column sessions.token_hash is 'SHA-256 of the cookie, which is made anew with every session.';
comment on column sessions.device is 'Browser and system, as coarse as people recognise their own by; empty if unknown.';
comment on column sessions.origin is 'From where it was begun: the person is shown a part of it.';
comment on column sessions.begun_at is 'When they signed in, by the database''s clock, as all times here.';
comment on column sessions.proved_at is 'When they last proved in it who they are.';
comment on column sessions.seen_at is 'Last request. 15 minutes without one end it.';
comment on column sessions.expires_at is 'An hour after the beginning, whatever happens in it.';
comment on column sessions.ended_at is 'Set where self-service may not serve the person any more: it never comes back to life, and is swept away.';
create index sessions_user on sessions (tenant_id, user_id);

-- Whoever takes somebody out of service need not think of it: agents, administrators, programs to come.
create function end_sessions() returns trigger language plpgsql as $$
begin
    update sessions set ended_at = clock_timestamp()
        where tenant_id = new.tenant_id and user_id = new.user_id and ended_at is null;
    return null;
end $$;
comment on function end_sessions is 'The sessions of somebody who was removed, disabled or protected.';
create trigger users_end_sessions after update on users for each row
    when (old.removed_at is null and old.enabled and not old.protected and (new.removed_at is not null or not new.enabled or new.protected))
    execute function end_sessions();
