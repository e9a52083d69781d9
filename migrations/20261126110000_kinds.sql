-- Jobs of every kind, at directories of every kind.

alter table connectors drop constraint connectors_kind_check;
alter table connectors add constraint connectors_kind_check check (kind in ('ad', 'openldap'));
comment on column connectors.kind is 'Family of the directory: ad is Active Directory and Samba AD; openldap is OpenLDAP with ppolicy.';

alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check
    check (kind in ('reset', 'temporary', 'change', 'unlock', 'require_change', 'waive_change', 'verify', 'inspect'));
alter table jobs drop constraint jobs_sealed;
alter table jobs add constraint jobs_sealed check ((envelopes is not null)
    = (state in ('submitted', 'leased') and kind in ('reset', 'temporary', 'change', 'verify')));
comment on column jobs.envelopes is 'The sealed passwords, once per agent: JSON, agent id → envelope. Erased with the terminal state; null for kinds without a secret.';

-- Looks change nothing: they take no number, and any number of them may be active.
alter table jobs drop constraint jobs_seq_check;
alter table jobs add constraint jobs_seq_check check ((seq = 0) = (kind in ('verify', 'inspect')) and seq >= 0);
comment on column jobs.seq is 'Rises per directory object; the newest wins. 0 for looks (verify, inspect).';
alter table active_jobs add column effect boolean not null default true;
comment on column active_jobs.effect is 'It changes the directory: at most one of these per object.';
alter table active_jobs drop constraint active_jobs_connector_id_object_guid_key;
create unique index active_jobs_effect on active_jobs (connector_id, object_guid) where effect;
comment on column active_jobs.object_guid is 'Unique with the connector among effects: one active change of a person.';
comment on table active_jobs is 'Narrow pointers to submitted and leased jobs: of those that change something at most one per user. What agents lease from.';

alter table flows add column look_id uuid;
comment on column flows.look_id is 'The newest look (verify, inspect) of this flow.';
