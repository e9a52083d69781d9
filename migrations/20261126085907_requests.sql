-- Lines of agents and of the house bear no support code: nobody looks for them by one.
drop index audit_events_request;
create index audit_events_request on audit_events (tenant_id, request_id) where request_id is not null;
