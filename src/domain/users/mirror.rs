//! What the agent says the directory holds. Batches of one pass; a full pass that ends removes whoever it did not name.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::contact::{self, EmailAddress, Phone};
use crate::{
    base::{clock::Clock, id, language::Language},
    domain::tenants::Scope,
    wire::message::{MirrorBatch, Person},
};

/// How many people a batch concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorOutcome {
    pub upserted: usize,
    pub removed: u64,
}

/// Take one batch. Keyed by object GUID: a name that is given anew never inherits anything.
pub async fn mirror(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, batch: &MirrorBatch) -> Result<MirrorOutcome> {
    if batch.full {
        sqlx::query!(
            "insert into mirror_passes (pass, tenant_id, connector_id, started_at) values ($1, $2, $3, $4) on conflict do nothing",
            batch.pass,
            scope.id(),
            connector,
            clock.now(),
        )
        .execute(&mut *conn)
        .await?;
    }
    for person in &batch.upserts {
        upsert(conn, scope, clock, connector, person).await?;
    }
    let mut removed = remove(conn, clock, connector, &batch.removals).await?;
    if batch.full && batch.last {
        // By time and not by pass: another agent may have named somebody meanwhile.
        let gone = sqlx::query_scalar!(
            "with ended as (delete from mirror_passes where pass = $2 and connector_id = $1 returning started_at)
             select object_guid from users join ended on mirrored_at < started_at where connector_id = $1 and removed_at is null",
            connector,
            batch.pass,
        )
        .fetch_all(&mut *conn)
        .await?;
        removed += remove(conn, clock, connector, &gone).await?;
    }
    Ok(MirrorOutcome { upserted: batch.upserts.len(), removed })
}

async fn upsert(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, person: &Person) -> Result<()> {
    let mail = person.mail.as_deref().and_then(EmailAddress::parse);
    let mobile = person.mobile.as_deref().and_then(Phone::parse);
    let seal = |place: &[u8], text: &str| scope.key().encrypt(place, text.as_bytes());
    let plain = |text: &str, most: usize| text.chars().filter(|c| !c.is_control() && !turns_text(*c)).take(most).collect::<String>();
    let sign_in_name = plain(&person.sign_in_name, 256).to_lowercase();
    let principal_name = plain(&person.principal_name, 256).to_lowercase();
    let names = [sign_in_name.as_str(), principal_name.as_str(), mail.as_ref().map_or("", EmailAddress::as_str)];
    let aliases: Vec<Vec<u8>> = names.iter().filter(|name| !name.is_empty()).map(|name| contact::alias(scope, name)).collect();
    sqlx::query!(
        "insert into users (user_id, tenant_id, connector_id, object_guid, sign_in_name, principal_name, display_name, aliases, mail, mail_index,
             mobile, language, enabled, protected, mirrored_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (connector_id, object_guid) do update set sign_in_name = excluded.sign_in_name,
             principal_name = excluded.principal_name, display_name = excluded.display_name, aliases = excluded.aliases, mail = excluded.mail,
             mail_index = excluded.mail_index, mobile = excluded.mobile, language = excluded.language, enabled = excluded.enabled,
             protected = excluded.protected, mirrored_at = excluded.mirrored_at, removed_at = null",
        id::time_ordered(clock),
        scope.id(),
        connector,
        person.guid,
        sign_in_name,
        principal_name,
        plain(&person.display_name, 256),
        &aliases,
        mail.as_ref().map(|mail| seal(contact::MAIL, mail.as_str())),
        mail.as_ref().map(|mail| contact::mail_index(scope, mail.as_str())),
        mobile.as_ref().map(|mobile| seal(contact::MOBILE, mobile.as_str())),
        person.language.as_deref().and_then(Language::negotiate).map(Language::tag),
        person.enabled,
        person.protected,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gone from the directory: the row stays for the audit's sake, the addresses don't.
async fn remove(conn: &mut PgConnection, clock: &Clock, connector: Uuid, guids: &[Uuid]) -> Result<u64> {
    let done = sqlx::query!(
        "update users set removed_at = $3, mail = null, mail_index = null, mobile = null, enabled = false
         where connector_id = $1 and object_guid = any($2) and removed_at is null",
        connector,
        guids,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forget passes that never ended.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from mirror_passes where started_at < $1", clock.now() - time::Duration::days(1)).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Characters that change the direction of what follows or cannot be seen: a name of them could rewrite a page or a mail.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
