-- What a journey is for. All begin with a name and a method; only then is a password asked for, or set.

alter table flows
    add column purpose text not null default 'reset' check (purpose in ('reset', 'change', 'sign_in')),
    add column session_id uuid,
    add check (purpose = 'reset' or gates = 1),
    add check (session_id is null or purpose = 'change');
comment on column flows.purpose is 'reset: a new password without the old one. change: with it. sign_in: to one''s own account page, by the current password. It decides which kind of job the flow may get.';
comment on column flows.session_id is 'Begun inside this session, whose proof it goes by. No foreign key: sessions are short.';
comment on column flows.passed is 'Methods proven so far, each once; or session, which was proven instead.';
comment on column limits.kind is 'What is counted: code_try, code_send, password_try and others (src/domain/limits).';

-- What the trail tells of somebody, newest first: their own page shows it.
create index audit_events_user on audit_events (tenant_id, user_id, event_id) where user_id is not null;

alter table users add column chosen_language text check (chosen_language in ('en', 'de'));
comment on column users.chosen_language is 'BCP 47, as chosen on the account page; null: as the directory says. Written to language as well, and the mirror leaves that alone then.';
