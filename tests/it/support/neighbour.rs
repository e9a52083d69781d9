//! Two tenants in one database, with a row of each in every table: what tells whether they see one another.

use sqlx::AssertSqlSafe;
use sspr::{
    base::{id, language::Language},
    domain::tenants::{self, New, Scope},
};
use uuid::Uuid;

use super::Cloud;

/// Tables that the second wall stands before, as the catalog has them; partitions are behind their parent.
pub const WALLED: &str = "select c.relname::text from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relrowsecurity order by 1";

/// One row in each: every id is the tenant's one, so that keys fit, and of the rest what the types allow.
const FILL: &str = "do $$
declare
    one record;
    rule record;
begin
    set local session_replication_role = replica;
    for one in
        select c.oid::regclass as called, string_agg(quote_ident(a.attname), ', ') as names, string_agg(case format_type(a.atttypid, null)
            when 'uuid' then quote_literal(case a.attname when 'tenant_id' then 'TENANT' else 'ID' end)
            when 'text' then quote_literal('ID')
            when 'bytea' then 'sha256(''ID'')'
            -- Not over yet: the worker takes away what is.
            when 'timestamp with time zone' then 'now() + interval ''1 day'''
            when 'boolean' then 'false'
            when 'jsonb' then '''{}'''
            else case when format_type(a.atttypid, null) like '%[]' then '''{}''' else '1' end end, ', ') as those
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attnotnull and a.attgenerated = ''
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relrowsecurity
        group by c.oid
    loop
        for rule in select conname from pg_constraint where conrelid = one.called and contype = 'c' loop
            execute format('alter table %s drop constraint %I', one.called, rule.conname);
        end loop;
        execute format('insert into %s (%s) values (%s) on conflict do nothing', one.called, one.names, one.those);
    end loop;
end $$";

impl Cloud {
    /// Another organisation.
    pub async fn neighbour(&self) -> Scope {
        let mut tx = self.app.begin().await.unwrap();
        let new = New { name: "Neighbour", host: "neighbour.example", language: Language::English, help: None };
        let scope = tenants::create(&mut tx, &self.app.ring, &self.clock, new).await.unwrap().scope;
        tx.commit().await.unwrap();
        scope
    }

    /// A row of theirs in every table; all their ids are this one.
    pub async fn has_of_everything(&self, scope: &Scope) -> Uuid {
        let id = id::random();
        let fill = FILL.replace("TENANT", &scope.id().to_string()).replace("'ID'", &format!("'{id}'"));
        // The worker and whoever changes tables may lock one another out.
        while let Err(error) = sqlx::raw_sql(AssertSqlSafe(fill.clone())).execute(&self.app.db).await {
            assert!(error.to_string().contains("deadlock"), "{error}");
        }
        id
    }

    /// The first wall has to do by itself.
    pub async fn lowers_the_second_wall(&self) {
        let tables: Vec<String> = sqlx::query_scalar(WALLED).fetch_all(&self.app.db).await.unwrap();
        for table in tables {
            let lower = format!("alter policy tenant on {table} using (true) with check (true)");
            sqlx::query(AssertSqlSafe(lower)).execute(&self.app.db).await.unwrap();
        }
    }
}
