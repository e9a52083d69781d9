//! The schema explains itself.

use crate::support::Cloud;

#[tokio::test]
async fn every_table_and_column_says_what_it_is() {
    let cloud = Cloud::start().await;
    // Partitions are their parent's; the migrator's own table is not ours. Column 0 is the table itself.
    let silent: Vec<String> = sqlx::query_scalar(
        "select c.relname || coalesce('.' || a.attname, '')
         from pg_class c, lateral (select attname, attnum from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
                                   union all select null, 0) a
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and c.relname <> '_sqlx_migrations'
             and not exists (select 1 from pg_description d where d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = a.attnum)
         order by 1",
    )
    .fetch_all(&cloud.app.db)
    .await
    .unwrap();
    assert!(silent.is_empty(), "no comment on {silent:?}");
    assert!(cloud.sql::<i64>("select count(*) from pg_description where objoid = 'jobs'::regclass").await > 20, "they are looked for");
}
