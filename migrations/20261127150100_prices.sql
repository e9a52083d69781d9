-- What messages cost.
create table prices (
    tenant_id uuid primary key references tenants,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    sms bigint not null check (sms between 0 and 100000000),
    mail bigint not null check (mail between 0 and 100000000)
);
comment on table prices is 'What an organisation pays for messages; no row: nobody has said.';
comment on column prices.tenant_id is 'Whose.';
comment on column prices.currency is 'ISO 4217.';
comment on column prices.sms is 'A text message, each part of a longer one: in millionths of the currency.';
comment on column prices.mail is 'A mail: the same.';

alter table messages add column parts smallint check (parts > 0);
comment on column messages.parts is 'What the carrier took counts as so many, for what it costs; null: it was not taken.';

alter table message_hours add column parts bigint not null default 0 check (parts >= 0);
comment on column message_hours.parts is 'As so many they count for what they cost: long text messages as several, what was not sent as none.';
update message_hours set parts = messages where state = 'sent';
