//! Reminders before a password runs out: 14, 7, 3 and 1 days before, each once, by the time that the directory computes for each person.
//! By mail only, and to nobody who is frozen: they could do nothing about it here.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Letters, happened};
use crate::{
    base::clock::Clock,
    domain::{
        audit::Source,
        notifications::{Channel, Content, Happened, Message},
        tenants::Scope,
        users::Reach,
    },
};

/// Days before.
const MARKS: [i16; 4] = [14, 7, 3, 1];
/// In one transaction.
const AT_ONCE: usize = 500;

struct Row {
    user_id: Uuid,
    expires_at: OffsetDateTime,
    display_name: String,
    mail: Option<Vec<u8>>,
    private_mail: Option<Vec<u8>>,
    language: Option<String>,
}

/// Remind those of a tenant who have reached a mark since; whoever reaches several at once is reminded of the last. Answers whether there may
/// be more.
pub async fn remind(conn: &mut PgConnection, scope: &Scope, clock: &Clock) -> Result<bool> {
    let now = clock.now();
    // The rows that this very statement wrote, and no other node's.
    let due = sqlx::query_as!(
        Row,
        r#"with due as (
               insert into reminders (tenant_id, user_id, expires_at, days, at)
               select u.tenant_id, u.user_id, u.password_expires_at, d.days, $2::timestamptz
               from users u join tenants t on t.tenant_id = u.tenant_id and t.expiry_reminders and t.self_service
               cross join lateral (select min(days) as days from unnest($3::smallint[]) as m (days)
                   where u.password_expires_at <= $2::timestamptz + make_interval(days => m.days)) d
               where u.tenant_id = $1 and u.removed_at is null and u.enabled and not u.protected and u.mail is not null
                   and u.password_expires_at > $2 and d.days is not null
                   and not exists (select from reminders r where r.user_id = u.user_id and r.expires_at = u.password_expires_at and r.days = d.days)
                   and not exists (select from freezes f where f.tenant_id = u.tenant_id and f.user_id = u.user_id and f.lifted_at is null)
               order by u.user_id limit $4
               on conflict do nothing returning user_id, expires_at)
           select user_id, expires_at, display_name, mail, private_mail, language from due join users u using (user_id) where u.tenant_id = $1"#,
        scope.id(),
        now,
        &MARKS,
        i64::try_from(AT_ONCE)?,
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut letters, count) = (Letters::default(), due.len());
    for row in due {
        let reach = Reach::open(scope, row.display_name, [row.mail, row.private_mail, None], row.language)?;
        let happened = Happened { user: Some(row.user_id), ..happened(clock, &Source::house("worker")) };
        let content = Content::Expires { happened, expires_at: row.expires_at.unix_timestamp() };
        for (channel, to) in super::addresses(&reach).filter(|(channel, _)| *channel == Channel::Email) {
            let language = reach.language.clone().unwrap_or_default();
            let message = Message { to: to.to_owned(), name: reach.name.clone(), language, content: content.clone(), only: false };
            letters.push(scope, clock, Uuid::nil(), channel, &message)?;
        }
    }
    letters.spread();
    letters.write(conn, clock).await?;
    Ok(count == AT_ONCE)
}

/// Forget those of passwords that ran out long ago.
pub async fn forget(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from reminders where expires_at < $1", clock.now() - time::Duration::days(30)).execute(conn).await?;
    Ok(done.rows_affected())
}
