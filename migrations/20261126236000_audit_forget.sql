-- Only who serves deletes what a cut says is over, not every role that somebody lets into the database.

revoke execute on function audit_forget(uuid, bigint) from public;
