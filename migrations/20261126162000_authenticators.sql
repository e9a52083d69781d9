-- What people prove themselves by, beyond codes that are sent: authenticator apps, passkeys, recovery codes; and help-desk codes.

create table authenticators (
    authenticator_id uuid primary key,
    tenant_id uuid not null,
    user_id uuid not null,
    kind text not null check (kind in ('totp', 'passkey', 'recovery_codes')),
    label text not null check (length(label) between 1 and 60),
    secret bytea,
    credential bytea check (length(credential) = 32),
    last_step bigint,
    created_at timestamptz not null,
    usable_from timestamptz not null,
    last_used_at timestamptz,
    foreign key (tenant_id, user_id) references users (tenant_id, user_id),
    unique (tenant_id, authenticator_id),
    unique (tenant_id, credential),
    check ((kind = 'recovery_codes') = (secret is null)),
    check ((kind = 'passkey') = (credential is not null)),
    check (last_step is null or kind = 'totp')
) with (fillfactor = 80);
comment on table authenticators is 'What somebody has registered to prove themselves by. Bound to the person''s row, and so to the directory object.';
comment on column authenticators.authenticator_id is 'UUID v7.';
comment on column authenticators.tenant_id is 'The person''s.';
comment on column authenticators.user_id is 'Whose.';
comment on column authenticators.kind is 'An authenticator app (RFC 6238), a passkey (WebAuthn), or a set of recovery codes.';
comment on column authenticators.label is 'What its owner calls it. Shown to nobody who has not proven who they are.';
comment on column authenticators.secret is 'Encrypted: the app''s 20 bytes, or the passkey''s public key with its counter. Recovery codes lie in a table of their own.';
comment on column authenticators.credential is 'Keyed hash of the passkey''s credential id, to find it by; each is registered once.';
comment on column authenticators.last_step is 'The last time step whose code was taken: neither it nor an earlier one is taken again, in whatever flow.';
comment on column authenticators.created_at is 'When it was registered.';
comment on column authenticators.usable_from is 'The end of its cooling-off: what a thief registers is no use until its owner has had time to object.';
comment on column authenticators.last_used_at is 'When it last proved somebody.';
create index authenticators_user on authenticators (tenant_id, user_id);
create unique index authenticators_one_set on authenticators (tenant_id, user_id) where kind = 'recovery_codes';

create table recovery_codes (
    authenticator_id uuid not null,
    selector text not null check (length(selector) = 4),
    tenant_id uuid not null,
    salt bytea not null check (length(salt) = 16),
    hash bytea not null check (length(hash) = 32),
    used_at timestamptz,
    primary key (authenticator_id, selector),
    foreign key (tenant_id, authenticator_id) references authenticators (tenant_id, authenticator_id) on delete cascade
);
comment on table recovery_codes is 'Codes that somebody printed: each proves them once. A new set deletes the old one.';
comment on column recovery_codes.authenticator_id is 'The set.';
comment on column recovery_codes.selector is 'The first four characters: they name the one code to compare with, and prove nothing.';
comment on column recovery_codes.tenant_id is 'The set''s.';
comment on column recovery_codes.salt is 'Random.';
comment on column recovery_codes.hash is 'Argon2id over a keyed hash of the other sixteen characters (80 bits).';
comment on column recovery_codes.used_at is 'Set once; the update of this column is the test that one of several uses wins.';

create table registrations (
    session_id uuid not null,
    kind text not null check (kind in ('totp', 'passkey')),
    tenant_id uuid not null,
    user_id uuid not null,
    state bytea not null,
    expires_at timestamptz not null,
    primary key (session_id, kind),
    foreign key (tenant_id, user_id) references users (tenant_id, user_id)
);
comment on table registrations is 'Authenticators that are about to be registered: what must be kept on this side until the browser has answered.';
comment on column registrations.session_id is 'By the session that began it, and by no other: whose secret would somebody else scan?';
comment on column registrations.kind is 'One of each kind at a time; beginning again replaces it.';
comment on column registrations.tenant_id is 'The person''s.';
comment on column registrations.user_id is 'Who registers.';
comment on column registrations.state is 'Encrypted: the app''s secret, or the challenge that the passkey must sign.';
comment on column registrations.expires_at is 'Ten minutes later.';

alter table challenges
    alter column code_hash drop not null,
    add column state bytea,
    add column number text check (number ~ '^[0-9]{6}$');
alter table challenges drop constraint challenges_method_check;
alter table challenges add constraint challenges_method_check
    check (method in ('email', 'private_email', 'sms', 'passkey', 'help_desk'));
alter table challenges
    add constraint challenges_state check ((method = 'passkey') = (state is not null)),
    add constraint challenges_number check ((method = 'help_desk') = (number is not null)),
    add constraint challenges_code check (code_hash is not null or method in ('passkey', 'help_desk'));
comment on column challenges.code_hash is 'HMAC-SHA-256 under the tenant''s key over flow, method and digits. Null: nothing to compare with, or not yet.';
comment on column challenges.state is 'Encrypted: what a passkey must sign, and how. Signed or not, it is used up by the first answer.';
comment on column challenges.number is 'What the person reads to the help desk, so that the code is made for this flow and no other.';
create index challenges_number_open on challenges (tenant_id, number) where number is not null;
