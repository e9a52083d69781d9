//! Branding as rows.

use anyhow::Result;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Drawn, GroupContact, State};
use crate::{
    base::clock::Clock,
    domain::{
        policies::Group,
        tenants::{self, Contact, Logo, Scope},
    },
};

/// Logos of a tenant that are kept, so that a change can be taken back.
const KEPT: i64 = 20;

/// All of it at this moment.
pub async fn state(conn: &mut PgConnection, scope: &Scope) -> Result<State> {
    let brand = tenants::again(&mut *conn, scope).await?.brand;
    let rows = sqlx::query!(
        r#"select c.connector_id, c.group_guid, c.priority, c.help, c.phone, c.mail, c.link, g.name as "name?" from group_contacts c
           left join groups g on g.connector_id = c.connector_id and g.object_guid = c.group_guid
           where c.tenant_id = $1 order by c.priority, c.group_guid, c.connector_id"#,
        scope.id(),
    )
    .fetch_all(conn)
    .await?;
    let groups = rows.into_iter().map(|row| GroupContact {
        group: Group { connector_id: row.connector_id, object_guid: row.group_guid, name: row.name },
        priority: row.priority,
        contact: Contact { text: row.help, phone: row.phone, mail: row.mail, link: row.link },
    });
    Ok(State { accent: brand.accent.map(|accent| accent.to_string()), logo: brand.logo, desk: brand.desk, groups: groups.collect() })
}

/// In the place of what there is. The tenant's row is written in any case: by that the nodes hear of it.
pub(super) async fn write(conn: &mut PgConnection, scope: &Scope, state: &State) -> Result<()> {
    let State { accent, logo, desk, groups } = state;
    sqlx::query!(
        "update tenants set accent = $2, logo = $3, desk_phone = $4, desk_mail = $5, desk_link = $6, desk_by_group = $7 where tenant_id = $1",
        scope.id(),
        accent.as_deref(),
        logo.as_ref().map(Json) as Option<Json<&Logo>>,
        desk.phone.as_deref(),
        desk.mail.as_deref(),
        desk.link.as_deref(),
        !groups.is_empty(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from group_contacts where tenant_id = $1", scope.id()).execute(&mut *conn).await?;
    let column = |of: fn(&Contact) -> &Option<String>| groups.iter().map(|one| of(&one.contact).clone()).collect::<Vec<_>>();
    // A connector that is not the tenant's, or not any more, has no help desk here.
    sqlx::query!(
        "insert into group_contacts (tenant_id, connector_id, group_guid, priority, help, phone, mail, link)
         select $1, r.connector_id, r.group_guid, r.priority, r.help, r.phone, r.mail, r.link
         from unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
             as r (connector_id, group_guid, priority, help, phone, mail, link)
         join connectors k on k.tenant_id = $1 and k.connector_id = r.connector_id",
        scope.id(),
        &groups.iter().map(|one| one.group.connector_id).collect::<Vec<_>>(),
        &groups.iter().map(|one| one.group.object_guid).collect::<Vec<_>>(),
        &groups.iter().map(|one| one.priority).collect::<Vec<_>>(),
        &column(|contact| &contact.text) as &[Option<String>],
        &column(|contact| &contact.phone) as &[Option<String>],
        &column(|contact| &contact.mail) as &[Option<String>],
        &column(|contact| &contact.link) as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The help desk of the first of this person's groups that has one of its own. For themselves only, once they have proven who they are.
pub async fn contact_of(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Option<Contact>> {
    Ok(sqlx::query_as!(
        Contact,
        r#"select c.help as text, c.phone, c.mail, c.link from group_contacts c join memberships m using (connector_id, group_guid)
           where c.tenant_id = $1 and m.user_id = $2 order by c.priority, c.group_guid, c.connector_id limit 1"#,
        scope.id(),
        user,
    )
    .fetch_optional(conn)
    .await?)
}

/// Keep a picture, and forget the oldest ones that are not shown.
pub async fn keep(conn: &mut PgConnection, scope: &Scope, clock: &Clock, drawn: &Drawn) -> Result<()> {
    sqlx::query!(
        "insert into logos (tenant_id, hash, png, added_at) values ($1, $2, $3, $4)
         on conflict (tenant_id, hash) do update set added_at = excluded.added_at",
        scope.id(),
        drawn.logo.hash,
        drawn.png,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from logos where tenant_id = $1 and hash <> (select coalesce(logo ->> 'hash', '') from tenants where tenant_id = $1)
             and hash not in (select hash from logos where tenant_id = $1 order by added_at desc limit $2)",
        scope.id(),
        KEPT,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Its PNG; `None`: it is not kept, or not this tenant's.
pub async fn picture(conn: &mut PgConnection, scope: &Scope, hash: &str) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select png from logos where tenant_id = $1 and hash = $2", scope.id(), hash).fetch_optional(conn).await?)
}
