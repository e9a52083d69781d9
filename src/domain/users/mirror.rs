//! What the agent says the directory holds. Batches of one pass; a full pass that ends removes whoever it did not name.
//!
//! A batch of 500 is a handful of statements, whatever is in it, and batches of one connector are taken one after another, so that
//! several agents may mirror at once. Who did not change since last time is only marked as named: an update in place.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Readdressed,
    contact::{self, EmailAddress, Phone, turns_text},
    held, readdressed,
};
use crate::{
    base::{clock::Clock, id, language::Language},
    domain::tenants::Scope,
    wire::message::{Group, MirrorBatch, Person},
};

/// What came of a batch.
#[derive(Debug, Clone)]
pub enum MirrorOutcome {
    /// With those who are to be told of other addresses.
    Taken(Mirrored, Vec<Readdressed>),
    /// A batch in the midst of a full pass that we know nothing of: who was named before is unknown.
    UnknownPass,
}

/// How many people a batch concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirrored {
    pub named: usize,
    /// Those of them who were new, or other than before.
    pub changed: usize,
    pub removed: u64,
    /// Those who would have been removed and were not, for they are too many.
    pub held: usize,
    /// Values that could not be used: addresses and numbers that are none, and characters that no name should have.
    pub dropped: usize,
    /// How many first addresses came in so short a time that nobody is told of theirs; `None`: not so, or the help desk knows.
    pub untold: Option<i64>,
}

/// Take one batch. Keyed by object GUID: a name that is given anew never inherits anything.
pub async fn mirror(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, batch: &MirrorBatch) -> Result<MirrorOutcome> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sspr mirror ' || $1::uuid, 0))", connector).execute(&mut *conn).await?;
    // A plan that was made when there was nobody reads everybody once for each person of a batch, until statistics are gathered.
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)").fetch_one(&mut *conn).await?;
    if batch.full && !begin(&mut *conn, scope, clock, connector, batch).await? {
        return Ok(MirrorOutcome::UnknownPass);
    }
    if let Some(groups) = &batch.groups {
        set_groups(&mut *conn, scope, connector, groups).await?;
    }
    let mut done = Mirrored { named: batch.upserts.len(), ..Mirrored::default() };
    // Twice in one batch: the last word counts.
    let people: BTreeMap<Uuid, Known<'_>> =
        batch.upserts.iter().map(|person| Ok((person.guid, Known::new(scope, person)?))).collect::<Result<_>>()?;
    let changed = name(&mut *conn, clock, connector, people).await?;
    done.changed = changed.len();
    let guids: Vec<Uuid> = changed.iter().map(|known| known.person.guid).collect();
    let mut before = readdressed::before(&mut *conn, scope, connector, &guids).await?;
    let readdressed = changed.iter().filter_map(|known| readdressed::compare(before.remove(&known.person.guid)?, known.person));
    let mut readdressed: Vec<_> = readdressed.collect();
    done.dropped = upsert(&mut *conn, scope, clock, connector, &changed).await?;
    done.removed = remove(&mut *conn, clock, connector, &batch.removals).await?;
    if batch.full && batch.last {
        // By time and not by pass: another agent may have named somebody meanwhile.
        let ended = sqlx::query_scalar!(
            "delete from mirror_passes where pass = $2 and connector_id = $1 returning started_at",
            connector,
            batch.pass,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(before) = ended {
            done.held = held::or_remove(&mut *conn, scope, clock, connector, before, &mut done.removed).await?;
        }
    }
    readdressed::since(&mut *conn, clock, &readdressed).await?;
    done.untold = readdressed::hush(conn, scope, clock, connector, &mut readdressed).await?;
    Ok(MirrorOutcome::Taken(done, readdressed))
}

/// Whether this full pass is known, or begins now.
async fn begin(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, batch: &MirrorBatch) -> Result<bool> {
    if batch.first {
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
    let known = sqlx::query_scalar!(
        r#"select exists (select from mirror_passes where pass = $1 and connector_id = $2) as "known!""#,
        batch.pass,
        connector,
    )
    .fetch_one(conn)
    .await?;
    Ok(known)
}

/// These are all groups there are.
async fn set_groups(conn: &mut PgConnection, scope: &Scope, connector: Uuid, groups: &[Group]) -> Result<()> {
    let groups: BTreeMap<Uuid, String> = groups.iter().map(|group| (group.guid, plain(&group.name))).collect();
    let (guids, names): (Vec<Uuid>, Vec<String>) = groups.into_iter().unzip();
    sqlx::query!("delete from groups where connector_id = $1 and object_guid <> all($2)", connector, &guids).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into groups (connector_id, object_guid, tenant_id, name)
         select $1, guid, $2, name from unnest($3::uuid[], $4::text[]) as r (guid, name)
         on conflict (connector_id, object_guid) do update set name = excluded.name where groups.name <> excluded.name",
        connector,
        scope.id(),
        &guids,
        &names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A person of a batch, and the keyed hash of all that is said of them.
struct Known<'a> {
    person: &'a Person,
    content: Vec<u8>,
}

impl<'a> Known<'a> {
    fn new(scope: &Scope, person: &'a Person) -> Result<Self> {
        Ok(Self { person, content: scope.key().hash(b"users.content", &serde_json::to_vec(person)?) })
    }
}

/// Mark those as named who are as they were; the others are left.
async fn name<'a>(
    conn: &mut PgConnection,
    clock: &Clock,
    connector: Uuid,
    mut people: BTreeMap<Uuid, Known<'a>>,
) -> Result<Vec<Known<'a>>> {
    let guids: Vec<Uuid> = people.keys().copied().collect();
    let contents: Vec<&[u8]> = people.values().map(|known| known.content.as_slice()).collect();
    let same = sqlx::query_scalar!(
        "update users u set mirrored_at = $4 from unnest($2::uuid[], $3::bytea[]) as r (guid, content)
         where u.connector_id = $1 and u.object_guid = r.guid and u.content = r.content and u.removed_at is null
         returning u.object_guid",
        connector,
        &guids,
        &contents as &[&[u8]],
        clock.now(),
    )
    .fetch_all(conn)
    .await?;
    for guid in same {
        people.remove(&guid);
    }
    Ok(people.into_values().collect())
}

/// A column each of what is written of people.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    guids: Vec<Uuid>,
    sign_in: Vec<String>,
    principal: Vec<String>,
    display: Vec<String>,
    /// Of sign-in name, principal name and mail.
    aliases: [Vec<Option<Vec<u8>>>; 3],
    mail: Vec<Option<Vec<u8>>>,
    mail_index: Vec<Option<Vec<u8>>>,
    private_mail: Vec<Option<Vec<u8>>>,
    mobile: Vec<Option<Vec<u8>>>,
    mobile_end: Vec<Option<Vec<u8>>>,
    language: Vec<Option<&'static str>>,
    manager: Vec<Option<Uuid>>,
    password_expires_at: Vec<Option<OffsetDateTime>>,
    enabled: Vec<bool>,
    protected: Vec<bool>,
    content: Vec<Vec<u8>>,
    /// Pairs.
    members: Vec<Uuid>,
    groups: Vec<Uuid>,
    dropped: usize,
}

impl Columns {
    fn push(&mut self, scope: &Scope, clock: &Clock, known: &Known<'_>) {
        let person = known.person;
        let seal = |place: &[u8], text: &str| scope.key().encrypt(place, text.as_bytes());
        let mail = self.take(person.mail.as_deref(), EmailAddress::parse);
        let private_mail = self.take(person.private_mail.as_deref(), EmailAddress::parse);
        let mobile = self.take(person.mobile.as_deref(), Phone::parse);
        let language = self.take(person.language.as_deref(), Language::negotiate);
        let names = [&person.sign_in_name, &person.principal_name, &person.display_name];
        let [sign_in, principal, display] = names.map(|text| {
            let plain = plain(text);
            self.dropped += usize::from(plain != *text);
            plain
        });
        let (sign_in, principal) = (sign_in.to_lowercase(), principal.to_lowercase());
        let address = mail.as_ref().map_or("", EmailAddress::as_str);
        for (aliases, name) in self.aliases.iter_mut().zip([sign_in.as_str(), principal.as_str(), address]) {
            aliases.push((!name.is_empty()).then(|| contact::alias(scope, name)));
        }
        self.ids.push(id::time_ordered(clock));
        self.guids.push(person.guid);
        self.sign_in.push(sign_in);
        self.principal.push(principal);
        self.display.push(display);
        self.mail_index.push(mail.as_ref().map(|mail| contact::mail_index(scope, mail.as_str())));
        self.mail.push(mail.map(|mail| seal(contact::MAIL, mail.as_str())));
        self.private_mail.push(private_mail.map(|mail| seal(contact::PRIVATE_MAIL, mail.as_str())));
        self.mobile_end.push(mobile.as_ref().map(|mobile| contact::ending(scope, mobile.as_str())));
        self.mobile.push(mobile.map(|mobile| seal(contact::MOBILE, mobile.as_str())));
        self.language.push(language.map(Language::tag));
        self.manager.push(person.manager);
        let expires = person.password_expires_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        self.password_expires_at.push(expires);
        self.enabled.push(person.enabled);
        self.protected.push(person.protected);
        self.content.push(known.content.clone());
        for group in &person.groups {
            self.members.push(person.guid);
            self.groups.push(*group);
        }
    }

    fn take<T>(&mut self, text: Option<&str>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let parsed = parse(text);
        self.dropped += usize::from(parsed.is_none());
        parsed
    }
}

/// How many of their values could not be used.
async fn upsert(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, people: &[Known<'_>]) -> Result<usize> {
    if people.is_empty() {
        return Ok(0);
    }
    let mut columns = Columns::default();
    for known in people {
        columns.push(scope, clock, known);
    }
    sqlx::query!(
        "insert into users as u (user_id, tenant_id, connector_id, object_guid, sign_in_name, principal_name, display_name, aliases, mail, mail_index,
             directory_private_mail, directory_mobile, language, manager, enabled, protected, content, password_expires_at, mirrored_at, directory_mobile_end)
         select user_id, $1, $2, guid, sign_in, principal, display, array_remove(array[alias_1, alias_2, alias_3], null), mail, mail_index,
             private_mail, mobile, language, manager, enabled, protected, content, password_expires_at, $3, mobile_end
         from unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[],
             $13::bytea[], $14::bytea[], $15::bytea[], $16::text[], $17::uuid[], $18::bool[], $19::bool[], $20::bytea[], $21::timestamptz[], $22::bytea[])
             as r (user_id, guid, sign_in, principal, display, alias_1, alias_2, alias_3, mail, mail_index, private_mail, mobile, language,
                   manager, enabled, protected, content, password_expires_at, mobile_end)
         on conflict (connector_id, object_guid) do update set sign_in_name = excluded.sign_in_name,
             principal_name = excluded.principal_name, display_name = excluded.display_name, aliases = excluded.aliases, mail = excluded.mail,
             mail_index = excluded.mail_index,
             directory_private_mail = excluded.directory_private_mail, directory_mobile = excluded.directory_mobile,
             language = coalesce(u.chosen_language, excluded.language, case when u.language_used then u.language end),
             language_used = u.language_used and excluded.language is null,
             manager = excluded.manager, enabled = excluded.enabled, protected = excluded.protected, content = excluded.content,
             password_expires_at = excluded.password_expires_at, mirrored_at = excluded.mirrored_at, removed_at = null,
             directory_mobile_end = excluded.directory_mobile_end",
        scope.id(),
        connector,
        clock.now(),
        &columns.ids,
        &columns.guids,
        &columns.sign_in,
        &columns.principal,
        &columns.display,
        &columns.aliases[0] as &[Option<Vec<u8>>],
        &columns.aliases[1] as &[Option<Vec<u8>>],
        &columns.aliases[2] as &[Option<Vec<u8>>],
        &columns.mail as &[Option<Vec<u8>>],
        &columns.mail_index as &[Option<Vec<u8>>],
        &columns.private_mail as &[Option<Vec<u8>>],
        &columns.mobile as &[Option<Vec<u8>>],
        &columns.language as &[Option<&str>],
        &columns.manager as &[Option<Uuid>],
        &columns.enabled,
        &columns.protected,
        &columns.content,
        &columns.password_expires_at as &[Option<OffsetDateTime>],
        &columns.mobile_end as &[Option<Vec<u8>>],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from memberships m using users u
         where u.connector_id = $1 and u.object_guid = any($2) and m.user_id = u.user_id
             and not exists (select from unnest($3::uuid[], $4::uuid[]) as r (guid, group_guid)
                             where r.guid = u.object_guid and r.group_guid = m.group_guid)",
        connector,
        &columns.guids,
        &columns.members,
        &columns.groups,
    )
    .execute(&mut *conn)
    .await?;
    if !columns.members.is_empty() {
        // A group that was not told is none.
        sqlx::query!(
            "insert into memberships (tenant_id, user_id, connector_id, group_guid)
             select u.tenant_id, u.user_id, u.connector_id, g.object_guid
             from unnest($2::uuid[], $3::uuid[]) as r (guid, group_guid)
             join users u on u.connector_id = $1 and u.object_guid = r.guid
             join groups g on g.connector_id = $1 and g.object_guid = r.group_guid
             on conflict do nothing",
            connector,
            &columns.members,
            &columns.groups,
        )
        .execute(conn)
        .await?;
    }
    Ok(columns.dropped)
}

/// Gone from the directory: the row stays for the audit's sake, the addresses and groups don't.
pub(super) async fn remove(conn: &mut PgConnection, clock: &Clock, connector: Uuid, guids: &[Uuid]) -> Result<u64> {
    if guids.is_empty() {
        return Ok(0);
    }
    let removed = sqlx::query_scalar!(
        "update users set removed_at = $3, mail = null, mail_index = null, manager = null, content = null, enabled = false,
             directory_private_mail = null, listed_private_mail = null, own_private_mail = null,
             directory_mobile = null, listed_mobile = null, own_mobile = null,
             directory_mobile_end = null, listed_mobile_end = null, own_mobile_end = null
         where connector_id = $1 and object_guid = any($2) and removed_at is null returning user_id",
        connector,
        guids,
        clock.now(),
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("delete from memberships where user_id = any($1)", &removed).execute(conn).await?;
    Ok(removed.len().try_into()?)
}

/// Forget passes that never ended.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from mirror_passes where started_at < $1", clock.now() - time::Duration::days(1)).execute(conn).await?;
    Ok(done.rows_affected())
}

/// As it may be shown.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !turns_text(*c)).take(256).collect()
}
