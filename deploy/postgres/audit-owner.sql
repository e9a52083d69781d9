-- Takes the audit trail away from the role that serves: it may read and add, and neither change nor remove nor switch a trigger off.
-- Once, as a superuser, in the service's database, after `sspr migrate`:
--
--   psql -v app=sspr -f deploy/postgres/audit-owner.sql
--
-- Before an upgrade: grant sspr_audit to sspr; after it: revoke sspr_audit from sspr.

do $$
begin
    if not exists (select from pg_roles where rolname = 'sspr_audit') then
        create role sspr_audit nologin;
    end if;
end $$;
grant usage, create on schema public to sspr_audit;
alter table audit_events owner to sspr_audit;
alter table audit_chain owner to sspr_audit;
alter table audit_checkpoints owner to sspr_audit;
alter function audit_is_append_only() owner to sspr_audit;
alter function audit_is_unchained() owner to sspr_audit;
alter function audit_event_goes() owner to sspr_audit;
alter function audit_place_goes() owner to sspr_audit;
alter function audit_forget(uuid, bigint) owner to sspr_audit;
revoke create on schema public from sspr_audit;
-- Forced row-level security (docs/threat-model.md): whoever owns a table is let through by a policy, too.
alter policy house on audit_events to sspr_audit, :"app";
alter policy house on audit_chain to sspr_audit, :"app";
alter policy house on audit_checkpoints to sspr_audit, :"app";
revoke all on audit_events, audit_chain, audit_checkpoints from :"app";
grant select, insert on audit_events, audit_chain, audit_checkpoints to :"app";
revoke execute on function audit_forget(uuid, bigint) from public;
grant execute on function audit_forget(uuid, bigint) to :"app";
