-- Messages in an organisation's own words.
create table texts (
    tenant_id uuid not null references tenants,
    matter text not null,
    channel text not null check (channel in ('email', 'sms')),
    language text not null,
    subject text not null,
    body text not null,
    ours bytea not null,
    changed_at timestamptz not null,
    primary key (tenant_id, matter, channel, language),
    -- A subject is one line whatever wrote it.
    check (subject !~ '[[:cntrl:]]' and length(subject) <= 200 and length(body) between 1 and 5000)
);
comment on table texts is 'Messages in an organisation''s own words; where there is no row, ours go. Templates: nothing of anybody is in them.';
comment on column texts.tenant_id is 'Whose.';
comment on column texts.matter is 'What the message is about: see src/domain/texts/matter.rs.';
comment on column texts.channel is 'How it goes.';
comment on column texts.language is 'BCP 47.';
comment on column texts.subject is 'Of a mail, with placeholders; empty: it is a text message.';
comment on column texts.body is 'Its text, with placeholders.';
comment on column texts.ours is 'Hash of our own words as they were when this was saved: when they change, somebody should look.';
comment on column texts.changed_at is 'When it was saved.';

alter table history drop constraint history_what_check,
    add constraint history_what_check check (what in ('policies', 'settings', 'branding', 'texts'));
