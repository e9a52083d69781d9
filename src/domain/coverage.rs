//! What self-service comes to: who can use it at this moment, who cannot, and why. Asked before a policy is saved and after, in the
//! transaction that would save it, it shows who gains and who loses.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    audit::Source,
    authenticators,
    policies::{self, Change, Changed, Method, Refused, Terms},
    resets, settings,
    tenants::{self, Scope, Tenant},
    users,
};
use crate::base::clock::Clock;

/// Counts are good so long.
const ANEW: Duration = Duration::minutes(55);

/// How a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Has all it takes, and more than a mailbox.
    Able,
    /// Has more than the mailbox of the organisation, which would do alone: whoever can open it needs nothing else.
    Mailbox,
    /// Has all it takes, and it is nothing but the mailbox of the organisation.
    MailboxOnly,
    /// Has too little of their own, and the help desk alone lets them in.
    HelpDesk,
    /// No policy serves them.
    NotServed,
    /// Has them, and some are too new or changed too lately.
    CoolingOff,
    /// Has fewer proofs than are asked.
    TooFew { has: usize, gates: i16 },
    /// The directory's: disabled, or an account that self-service never touches.
    Closed,
}

impl Standing {
    pub const fn is_able(self) -> bool {
        matches!(self, Self::Able | Self::HelpDesk) || self.is_by_mailbox()
    }

    /// The mailbox of the organisation is enough.
    pub const fn is_by_mailbox(self) -> bool {
        matches!(self, Self::Mailbox | Self::MailboxOnly)
    }

    /// They would be better served if they registered something.
    pub const fn wants_registration(self) -> bool {
        matches!(self, Self::MailboxOnly | Self::HelpDesk | Self::TooFew { .. })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Able => f.write_str("can reset"),
            Self::Mailbox => f.write_str("can reset, and the mail address of the directory alone would do"),
            Self::MailboxOnly => f.write_str("can reset, by nothing but the mail address of the directory"),
            Self::HelpDesk => f.write_str("can reset, by the help desk alone"),
            Self::NotServed => f.write_str("no policy serves them"),
            Self::CoolingOff => f.write_str("has methods that are new or were changed, and prove nothing yet"),
            Self::TooFew { has: 1, gates } => write!(f, "has 1 usable proof of the {gates} of different classes that are asked"),
            Self::TooFew { has, gates } => write!(f, "has {has} usable proofs of the {gates} of different classes that are asked"),
            Self::Closed => f.write_str("disabled or protected in the directory"),
        }
    }
}

/// A person, as an administrator sees them.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub standing: Standing,
    /// Text messages go to a number of theirs, be it only to tell them of something.
    pub texted: bool,
}

/// What was said of the organisation's mailboxes, beside the addresses that there are. Empty where no domain is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailboxes {
    /// Named, and nobody's: a slip of the pen lets through what it was to stop.
    pub unused: Vec<String>,
    /// Not named: how many have an address of the directory there that would do alone.
    pub others: BTreeMap<String, usize>,
}

impl Mailboxes {
    fn of(tenant: &Tenant) -> Self {
        Self { unused: tenant.mail_domains.clone(), others: BTreeMap::new() }
    }

    fn see(&mut self, user: &users::User, tenant: &Tenant, alone: bool) {
        let has = |domain: &String| [&user.mail, &user.private_mail].into_iter().flatten().any(|mail| mail.is_at(domain));
        self.unused.retain(|domain| !has(domain));
        if let Some(mail) = user.mail.as_ref().filter(|_| alone && !tenant.mail_domains.is_empty()) {
            *self.others.entry(mail.domain().to_owned()).or_default() += 1;
        }
    }

    /// How many have an address of the directory in no named domain.
    pub fn elsewhere(&self) -> usize {
        self.others.values().sum()
    }

    /// Those domains with how many each, the biggest first, and no more than anybody reads.
    pub fn biggest(&self) -> String {
        let mut others: Vec<_> = self.others.iter().collect();
        others.sort_by_key(|(_, people)| std::cmp::Reverse(**people));
        others.iter().take(5).map(|(domain, people)| format!("{domain} ({people})")).collect::<Vec<_>>().join(", ")
    }
}

/// Of everybody.
#[derive(Debug, Clone)]
pub struct Coverage {
    pub people: BTreeMap<Uuid, Person>,
    pub mailboxes: Mailboxes,
}

/// Longer than anything cools off.
const LONG: Duration = Duration::days(365);

/// So many people are read at a time: the memory it takes does not grow with the directory but for a line per person.
const PAGE: i64 = 5000;

/// Of everybody.
pub async fn of(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<Coverage> {
    let (mut all, mut mailboxes) = (BTreeMap::new(), Mailboxes::of(tenant));
    let (mut last, now) = (Uuid::nil(), clock.now());
    loop {
        let page = users::everybody(&mut *conn, &tenant.scope, last, PAGE).await?;
        let people: Vec<Uuid> = page.iter().map(|(user, _, _)| user.user_id).collect();
        let Some(behind) = people.last() else { return Ok(Coverage { people: all, mailboxes }) };
        last = *behind;
        // One look through all of them for each person would be a look at everybody by everybody.
        let mut kinds: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
        for (user, kind, from) in authenticators::kinds(&mut *conn, &tenant.scope, &people).await? {
            kinds.entry(user).or_default().push((kind.method(), from));
        }
        all.extend(page.into_iter().map(|(user, terms, open)| {
            let kinds = kinds.get(&user.user_id).map_or(&[][..], Vec::as_slice);
            let (standing, alone) = if open { standing(tenant, &user, kinds, &terms, now) } else { (Standing::Closed, false) };
            mailboxes.see(&user, tenant, alone);
            let texted = open && user.is_texted(tenant, &terms);
            (user.user_id, Person { name: user.sign_in_name, standing, texted })
        }));
    }
}

/// And whether the directory's mail address would do alone.
fn standing(
    tenant: &Tenant,
    user: &users::User,
    kinds: &[(Method, OffsetDateTime)],
    terms: &Terms,
    now: OffsetDateTime,
) -> (Standing, bool) {
    if !terms.serves {
        return (Standing::NotServed, false);
    }
    let looks = |at| {
        let kinds: Vec<Method> = kinds.iter().filter(|(_, from)| *from <= at).map(|(method, _)| *method).collect();
        let (offers, terms) = resets::looks(tenant, user, &kinds, terms, at);
        let methods: Vec<Method> = offers.iter().map(|offer| offer.method).collect();
        let has = policies::classes(methods.iter().copied(), terms.apart);
        (methods, has, terms.gates, has >= usize::try_from(terms.gates).unwrap_or(2))
    };
    let (methods, has, gates, is_enough) = looks(now);
    if !is_enough {
        let standing = match looks(now + LONG).3 {
            _ if resets::may_call(terms) => Standing::HelpDesk,
            true => Standing::CoolingOff,
            false => Standing::TooFew { has, gates },
        };
        return (standing, false);
    }
    let alone = gates == 1 && methods.contains(&Method::Email);
    let standing = match methods.iter().all(|method| *method == Method::Email) {
        true => Standing::MailboxOnly,
        // Where domains were named, what lies outside them is told apart.
        false if alone && tenant.mail_domains.is_empty() => Standing::Mailbox,
        false => Standing::Able,
    };
    (standing, alone)
}

/// How many stand how.
pub fn count(all: &BTreeMap<Uuid, Person>) -> BTreeMap<Standing, usize> {
    let mut counts = BTreeMap::new();
    for person in all.values() {
        *counts.entry(person.standing).or_default() += 1;
    }
    counts
}

/// As the worker counted last.
#[derive(Debug, Clone)]
pub struct Counts {
    pub counted_at: OffsetDateTime,
    /// All but accounts that self-service never touches.
    pub people: i64,
    /// Whom a policy serves.
    pub served: i64,
    /// Who has registered something.
    pub registered: i64,
    pub able: i64,
    /// Of these, by the mailbox of the organisation alone.
    pub mailbox_only: i64,
    pub cooling_off: i64,
    pub too_few: i64,
}

pub async fn kept(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Counts>> {
    Ok(sqlx::query_as!(
        Counts,
        "select counted_at, people, served, registered, able, mailbox_only, cooling_off, too_few from coverage_counts where tenant_id = $1",
        scope.id(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Count, unless it was done a moment ago: this looks at everybody.
pub async fn keep(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<()> {
    let scope = &tenant.scope;
    if kept(&mut *conn, scope).await?.is_some_and(|counts| counts.counted_at > clock.now() - ANEW) {
        return Ok(());
    }
    let all = of(&mut *conn, tenant, clock).await?.people;
    let (mut people, mut served, mut able, mut mailbox_only, mut cooling_off, mut too_few) = (0, 0, 0, 0, 0, 0);
    for person in all.values().filter(|person| person.standing != Standing::Closed) {
        people += 1;
        served += i64::from(person.standing != Standing::NotServed);
        able += i64::from(person.standing.is_able());
        mailbox_only += i64::from(person.standing.is_by_mailbox());
        cooling_off += i64::from(person.standing == Standing::CoolingOff);
        too_few += i64::from(matches!(person.standing, Standing::TooFew { .. }));
    }
    sqlx::query!(
        "insert into coverage_counts (tenant_id, counted_at, people, served, registered, able, mailbox_only, cooling_off, too_few)
         values ($1, $2, $3, $4, (select count(distinct a.user_id) from authenticators a join users u using (tenant_id, user_id)
             where a.tenant_id = $1 and u.removed_at is null and u.enabled and not u.protected), $5, $6, $7, $8)
         on conflict (tenant_id) do update set counted_at = excluded.counted_at, people = excluded.people, served = excluded.served,
             registered = excluded.registered, able = excluded.able, mailbox_only = excluded.mailbox_only,
             cooling_off = excluded.cooling_off, too_few = excluded.too_few",
        scope.id(),
        clock.now(),
        people,
        served,
        able,
        mailbox_only,
        cooling_off,
        too_few,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many can prove themselves by nothing but the directory's mail address.
pub fn by_mailbox(all: &BTreeMap<Uuid, Person>) -> usize {
    all.values().filter(|person| person.standing.is_by_mailbox()).count()
}

/// Whose standing changes.
#[derive(Debug)]
pub struct Turn {
    pub user: Uuid,
    pub name: String,
    pub before: Standing,
    pub after: Standing,
}

/// Each list in the order of names.
#[derive(Debug)]
pub struct Impact {
    pub gains: Vec<Turn>,
    pub loses: Vec<Turn>,
    /// How many can and could, or cannot and could not.
    pub same: usize,
    /// How many can afterwards.
    pub able: usize,
    /// How many of them by the directory's mail address alone.
    pub by_mailbox: usize,
    /// How many get no text messages any more.
    pub untexted: usize,
    pub mailboxes: Mailboxes,
}

impl Impact {
    /// Somebody can use it now, and nobody could.
    pub fn leaves_nobody(&self) -> bool {
        self.able == 0 && !self.loses.is_empty()
    }
}

/// Change the policies, and say what that comes to. Whoever only wants to know rolls back.
pub async fn impact(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    change: &Change,
) -> Result<Result<(Changed, Impact), Refused>> {
    let (before, changed) = loop {
        let seen = policies::rules(&mut *conn, &tenant.scope).await?.mark();
        // Before the lock that the change takes.
        let before = of(&mut *conn, tenant, clock).await?;
        match policies::change(&mut *conn, &tenant.scope, clock, source, (change, Some(&seen))).await? {
            Ok(changed) => break (before, changed),
            // Somebody else's change came in between, and is not to be counted as this one's.
            Err(Refused::Stale) => {}
            Err(refused) => return Ok(Err(refused)),
        }
    };
    let after = if changed.before.mark() == changed.after.mark() { before.clone() } else { of(conn, tenant, clock).await? };
    Ok(Ok((changed, compare(before, after))))
}

/// Change the settings as they are at hand, and say what that comes to: from what to what. Whoever only wants to know rolls back. `Err`:
/// they are not any more what is at hand; as they are now.
pub async fn impact_of_settings(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    change: tenants::Change,
) -> Result<Result<(Box<[Tenant; 2]>, Impact), Box<Tenant>>> {
    // Before the lock that the change takes.
    let before = of(&mut *conn, tenant, clock).await?;
    let change = (change, Some(&*settings::mark(tenant)));
    let both = match settings::change(&mut *conn, clock, source, &tenant.scope, change).await? {
        settings::Changed::Yes(both) => both,
        settings::Changed::Stale(now) => return Ok(Err(now)),
    };
    let after = of(conn, &both[1], clock).await?;
    Ok(Ok((both, compare(before, after))))
}

/// What lies between two looks.
fn compare(before: Coverage, after: Coverage) -> Impact {
    let (mut before, Coverage { people: after, mailboxes }) = (before.people, after);
    let able = after.values().filter(|person| person.standing.is_able()).count();
    let mut impact = Impact { gains: Vec::new(), loses: Vec::new(), same: 0, able, by_mailbox: by_mailbox(&after), untexted: 0, mailboxes };
    for (user, person) in &after {
        let Some(old) = before.remove(user) else { continue };
        impact.untexted += usize::from(old.texted && !person.texted);
        let turn = || Turn { user: *user, name: old.name.clone(), before: old.standing, after: person.standing };
        match (old.standing.is_able(), person.standing.is_able()) {
            (false, true) => impact.gains.push(turn()),
            (true, false) => impact.loses.push(turn()),
            _ => impact.same += 1,
        }
    }
    for turns in [&mut impact.gains, &mut impact.loses] {
        turns.sort_by(|one, other| one.name.cmp(&other.name));
    }
    impact
}
