-- What an operator chooses by a link counts when the second factor is shown, and not before: whoever only glimpsed a link changes nothing.

alter table operator_sessions add column pending_salt bytea check (length(pending_salt) = 16),
    add column pending_hash bytea check (length(pending_hash) = 32),
    add check ((pending_salt is null) = (pending_hash is null));
comment on column operator_sessions.pending_salt is 'Of the password that was chosen in it.';
comment on column operator_sessions.pending_hash is 'Argon2id; the operator''s from the moment at which their link is used up.';
