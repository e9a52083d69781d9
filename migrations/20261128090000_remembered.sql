-- What a person's page tells them must not be buried: a stranger who knows a name has as many lines written as they like, and none of these.
create index audit_events_proven on audit_events (tenant_id, user_id, event_id)
    where user_id is not null and (action in ('reset.result', 'reset.password_try', 'session.begin', 'session.end', 'user.language', 'user.contact',
            'authenticator.add', 'authenticator.remove', 'authenticator.stop', 'contact.code_send', 'contact.code_try',
            'registration.confirm', 'help_desk.code', 'account.freeze')
        or action = 'reset.code_try' and outcome = 'right');

-- Whom neither the directory nor they themselves gave a language are written to in the one they last used.
alter table users add column language_used boolean not null default false;
comment on column users.language_used is 'Language is the one in which they last proved who they are, for neither they nor the directory named one.';
