-- Submits and results are written many at a time; a job may be born leased to an agent that is waiting.

-- As posted, and read by nobody but us: no need for the database to parse it, nor to try and compress what is encrypted.
alter table jobs drop constraint jobs_check;
alter table jobs alter column envelopes type bytea using convert_to(envelopes::text, 'UTF8');
alter table jobs alter column envelopes set storage external;
alter table jobs add constraint jobs_sealed check ((envelopes is not null) = (state in ('submitted', 'leased')));
comment on column jobs.envelopes is 'The sealed password, once per agent: JSON, agent id → envelope. Erased with the terminal state.';
alter table jobs add column origin inet;
comment on column jobs.origin is 'From where it was submitted: the notice tells a part of it.';

-- A crash of the database empties an unlogged table. This row tells: while it is there, nothing was forgotten since its time.
insert into used_proofs (proof, until) values (decode(repeat('00', 32), 'hex'), 'epoch');
comment on column used_proofs.until is 'When it could no longer be accepted anyhow. Of the row with 32 zero bytes: what ended by then is refused, for it may have been forgotten.';
comment on table used_proofs is 'Proofs of possession and assertions that agents have used: none is taken twice, by any node. Unlogged: after a crash of the database what was made before it is refused.';

-- Their rows are written with a tenant's scope, which only a tenant's own row can give. The keys held nothing more, and each insert
-- locked the one row that everybody of the tenant writes about.
alter table audit_events drop constraint audit_events_tenant_id_fkey;
alter table messages drop constraint messages_tenant_id_fkey;
