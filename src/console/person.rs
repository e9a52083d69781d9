//! `/console/people/{id}` — one person: how they stand in each directory, how they can prove who they are, what stops them, what happened
//! lately, and why they can, or cannot, reset.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, Uri},
    response::Response,
    routing::get,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    audit::told,
    guard::{Desk, Fleet, Govern, May, Serve},
    people::state_key,
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::language::Language,
    domain::{
        acts::{self, Ceiling},
        approvals::{self, Act, Temporary},
        audit, fleet, freezes,
        obstacles::{self, Cause, Gate, Means, Report, Verdict},
        operators,
        policies::Method,
        tenants::{self, Aid, Scope, Tenant},
        users::{self, EmailAddress, Phone, User},
    },
    web::{
        Error, Page, Result, activity, explained,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/people/{id}", get(show))
}

/// An account of theirs.
struct Place {
    connector: String,
    sign_in: String,
    /// Of the state's words.
    state: &'static str,
    /// How it belongs to the others; of its words.
    relation: Option<&'static str>,
    /// `None`: the one in hand.
    href: Option<String>,
}

/// A gate on the way.
struct Step {
    gate: String,
    /// `open`, `shut` or `unknown`.
    is: &'static str,
    why: Option<String>,
    remedy: Option<String>,
    /// Where in the console it is done: address and key of the words.
    place: Option<(String, &'static str)>,
}

struct Way {
    method: String,
    label: String,
    /// What keeps them from it.
    lack: Option<String>,
    /// What can be removed.
    id: Option<Uuid>,
}

struct Limited {
    what: String,
    until: When,
}

struct Frozen {
    since: When,
    by: String,
    reason: String,
}

struct Event {
    when: When,
    text: String,
    who: String,
    from: String,
    odd: bool,
}

/// What is offered.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Offers {
    /// Nothing is, for this reason; of its words.
    not: Option<&'static str>,
    /// The account is there, enabled and not protected.
    served: bool,
    /// And not frozen: something can be done for it.
    help: bool,
    unlock: bool,
    code: bool,
    /// A temporary password.
    temporary: bool,
    /// Removing a method takes two.
    method_by_two: bool,
    /// A code does.
    code_by_two: bool,
    /// What no operator may do here.
    off: Vec<Aid>,
    /// Whoever looks can switch it on.
    switches: bool,
}

impl Offers {
    fn is_off(&self, aid: &str) -> bool {
        self.off.iter().any(|off| off.as_str() == aid)
    }
}

#[derive(Template)]
#[template(path = "console/person.html")]
struct PersonPage {
    page: Page,
    rail: Rail,
    id: Uuid,
    name: String,
    state: &'static str,
    /// What came of the last act: key of its words, and whether it went wrong.
    said: Option<(&'static str, bool)>,
    places: Vec<Place>,
    reached: Vec<String>,
    /// As the directory said when it was asked last.
    locked: Option<(bool, When)>,
    policy: Option<String>,
    privileged: bool,
    /// Why not, in a sentence; `None`: they can, as far as is known.
    stopped: Option<String>,
    steps: Vec<Step>,
    ways: Vec<Way>,
    limits: Vec<Limited>,
    frozen: Option<Frozen>,
    activity: Vec<Event>,
    offers: Offers,
}

/// What an act can come to, as it stands in the address of the page that it leads back to: word, key, and whether it went wrong.
const SAID: [(&str, &str, bool); 15] = [
    ("frozen", "people-said-frozen", false),
    ("lifted", "people-said-lifted", false),
    ("limits", "people-said-limits", false),
    ("no-limits", "people-said-no-limits", false),
    ("removed", "people-said-removed", false),
    ("gone", "people-said-gone", true),
    ("invited", "people-said-invited", false),
    ("nowhere", "people-said-nowhere", true),
    ("looked", "people-said-looked", false),
    ("busy", "people-said-busy", true),
    ("not-served", "people-said-not-served", true),
    ("is-frozen", "people-said-is-frozen", true),
    ("not-ready", "people-said-not-ready", true),
    ("off", "people-said-off", true),
    ("too-late", "people-said-too-late", true),
];

fn said(uri: &Uri) -> Option<(&'static str, bool)> {
    let query = uri.query().unwrap_or_default();
    let word = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "said")?.1;
    SAID.iter().find(|(said, ..)| *said == word).map(|(_, key, wrong)| (*key, *wrong))
}

/// The page, if this operator may see this person; and what they may do.
pub async fn visible(conn: &mut PgConnection, desk: &Desk, user: Uuid) -> Result<Ceiling> {
    match acts::ceiling(conn, &desk.visitor.tenant.scope, &desk.operator, user).await? {
        Ceiling::NotThere => Err(Error::NotFound),
        ceiling => Ok(ceiling),
    }
}

/// Whoever this operator may act for, at this moment; gone from the directory they are nobody to act for.
pub async fn governed(conn: &mut PgConnection, desk: &Desk, user: Uuid) -> Result<User> {
    match visible(&mut *conn, desk, user).await? {
        Ceiling::May => {}
        Ceiling::Themselves => return Err(Error::Forbidden("own_account")),
        Ceiling::AsHigh | Ceiling::NotThere => return Err(Error::Forbidden("above_you")),
    }
    users::known(conn, &desk.visitor.tenant.scope, user).await?.ok_or(Error::Conflict("person_gone"))
}

async fn show(desk: May<Serve>, Path(id): Path<Uuid>, uri: Uri) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, language, clock) = (&visitor.app, visitor.language, &visitor.app.clock);
    let mut conn = visitor.acquire().await?;
    let ceiling = visible(&mut conn, &desk, id).await?;
    // What holds now, not a moment ago: this page says why something does not work.
    let tenant = tenants::again(&mut conn, &visitor.tenant.scope).await?;
    let scope = &tenant.scope;
    let standing = users::standing(&mut conn, scope, id).await?.ok_or(Error::NotFound)?;
    let report = obstacles::of(&mut conn, &tenant, clock, id).await?.ok_or(Error::NotFound)?;
    let user = users::known(&mut conn, scope, id).await?;
    let freeze = freezes::of(&mut conn, scope, id).await?;
    let limits = match &user {
        Some(user) => acts::limits_of(&mut conn, scope, clock, user).await?,
        None => Vec::new(),
    };
    let places = places(&mut conn, &tenant, &app.clock, id).await?;
    let names = names(&mut conn, scope).await?;
    let lines = audit::of_user(&mut conn, scope, clock, id).await?;
    let unlock =
        fleet::connectors(&mut conn, scope, clock).await?.iter().any(|one| one.connector_id == standing.connector_id && one.unlock);
    let temporary = approvals::temporary(&mut conn, scope, id).await? != Temporary::Never;
    let second = approvals::rules(&mut conn, scope).await?;
    drop(conn);

    let page = visitor.page();
    let moment = |at| when(language, at);
    let reached = |user: &User| {
        let mails = [&user.mail, &user.private_mail].into_iter().flatten().map(EmailAddress::masked);
        mails.chain(user.mobile.as_ref().map(Phone::masked)).collect()
    };
    let locked =
        report.look.as_ref().filter(|look| !look.overtaken).and_then(|look| Some((look.account.as_ref()?.locked, moment(look.asked_at))));
    let offers = Offers {
        not: match ceiling {
            _ if user.is_none() => Some("people-not-gone"),
            Ceiling::Themselves => Some("people-not-yourself"),
            Ceiling::AsHigh => Some("people-not-above"),
            Ceiling::May | Ceiling::NotThere => None,
        },
        served: user.is_some() && standing.enabled && !standing.protected,
        help: user.is_some() && standing.enabled && !standing.protected && freeze.is_none(),
        unlock,
        code: report.means.iter().any(|means| means.method == Method::HelpDesk && means.lack.is_none()),
        temporary,
        method_by_two: second.contains(&Act::Method),
        code_by_two: second.contains(&Act::Code),
        off: tenant.forbidden.clone(),
        switches: desk.may::<Govern>(),
    };
    let shown = PersonPage {
        rail: desk.rail(Here::People),
        id,
        name: if standing.display_name.is_empty() { standing.sign_in_name } else { standing.display_name },
        state: if user.is_none() { "people-state-gone" } else { state_key(freeze.is_some(), standing.enabled, standing.protected) },
        said: said(&uri),
        places,
        reached: user.as_ref().map(reached).unwrap_or_default(),
        locked,
        policy: report.policy.as_ref().map(|policy| policy.name.clone()),
        privileged: report.policy.as_ref().is_some_and(|policy| policy.privileged),
        stopped: report.first().map(|(_, cause)| explained::why(language, &named(&page, cause, &names))),
        steps: steps(&desk, id, &report, &names),
        ways: report.means.iter().map(|means| way(language, means)).collect(),
        limits: limits
            .iter()
            .map(|one| Limited { what: explained::limit(language, one.limit).into_owned(), until: moment(one.until) })
            .collect(),
        frozen: freeze.map(|freeze| Frozen {
            since: moment(freeze.since),
            by: who(&page, &freeze.frozen_by, &names),
            reason: explained::reason(language, &freeze.frozen_by, &freeze.reason),
        }),
        activity: activity::folded(&lines, MOST, |_| true).into_iter().map(|line| event(&page, language, line, &names)).collect(),
        offers,
        page,
    };
    Ok(page::html_as(StatusCode::OK, &shown))
}

/// So much of what happened is shown.
const MOST: usize = 40;

/// All accounts that go together with this one, itself first.
async fn places(conn: &mut PgConnection, tenant: &Tenant, clock: &crate::base::clock::Clock, id: Uuid) -> Result<Vec<Place>> {
    let scope = &tenant.scope;
    let connectors = fleet::connectors(&mut *conn, scope, clock).await?;
    let first = users::first(&mut *conn, scope, id).await?;
    let root = first.unwrap_or(id);
    let follow: Vec<Uuid> = users::follow(&mut *conn, scope, root).await?.into_iter().map(|linked| linked.user_id).collect();
    let mut all = vec![(id, None)];
    all.extend(first.map(|first| (first, Some("people-place-first"))));
    all.extend(follow.into_iter().filter(|one| *one != id).map(|one| (one, Some("people-place-follows"))));
    let frozen = freezes::among(&mut *conn, scope, &all.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
    let mut places = Vec::new();
    for (account, relation) in all {
        let Some(standing) = users::standing(&mut *conn, scope, account).await? else { continue };
        let connector = connectors.iter().find(|one| one.connector_id == standing.connector_id);
        let gone = standing.removed_at.is_some();
        places.push(Place {
            connector: connector.map(|one| one.name.clone()).unwrap_or_default(),
            sign_in: standing.sign_in_name,
            state: if gone { "people-state-gone" } else { state_key(frozen.contains(&account), standing.enabled, standing.protected) },
            relation,
            href: (account != id).then(|| format!("/console/people/{account}")),
        });
    }
    Ok(places)
}

/// Operators by how the audit calls them.
pub async fn names(conn: &mut PgConnection, scope: &Scope) -> Result<HashMap<String, String>> {
    let all = operators::all(conn, scope).await?;
    Ok(all.into_iter().map(|operator| (operator.actor(), operator.name)).collect())
}

/// Whoever did it, for people.
pub fn who(page: &Page, actor: &str, names: &HashMap<String, String>) -> String {
    match actor.split(':').next() {
        Some("user") => page.t("people-who-user").into_owned(),
        Some("agent") => page.t("people-who-agent").into_owned(),
        Some("operator") => names.get(actor).cloned().unwrap_or_else(|| actor.split_once(':').map_or(actor, |(_, name)| name).to_owned()),
        Some("cli") => page.t("people-who-cli").into_owned(),
        _ => page.t("people-who-house").into_owned(),
    }
}

fn event(page: &Page, language: Language, (line, count): (&audit::Line, activity::Count), names: &HashMap<String, String>) -> Event {
    let known = activity::words(line);
    // What no person is told bears the trail's own words.
    let text = known.map_or_else(
        || format!("{}: {}", told::act(page, &line.action), told::outcome(page, &line.outcome)),
        |(key, _)| page.t(key).into_owned(),
    );
    Event {
        when: when(language, line.at),
        text: activity::times(page, text, count),
        who: who(page, &line.actor, names),
        from: activity::from(line).map(audit::coarse).unwrap_or_default(),
        odd: known.is_some_and(|(_, odd)| odd),
    }
}

fn way(language: Language, means: &Means) -> Way {
    Way {
        method: explained::method(language, means.method).into_owned(),
        // Of codes it is the word of whatever language they were made in.
        label: if means.method == Method::RecoveryCode { String::new() } else { means.label.clone() },
        lack: explained::hindrance(language, means),
        id: means.authenticator,
    }
}

fn steps(desk: &Desk, id: Uuid, report: &Report, names: &HashMap<String, String>) -> Vec<Step> {
    let (language, page) = (desk.visitor.language, desk.visitor.page());
    let mut asked = false;
    let step = |(gate, verdict): &(Gate, Verdict)| {
        // That nobody has asked the directory lately is said once.
        let again = asked && verdict.cause() == Some(&Cause::NotAsked);
        asked |= verdict.cause() == Some(&Cause::NotAsked);
        let cause = verdict.cause().filter(|_| !again).map(|cause| named(&page, cause, names));
        let cause = cause.as_ref();
        // Enough is left, and what is not is no riddle below.
        let some_wait = *gate == Gate::Limits && *verdict == Verdict::Open && report.means.iter().any(|means| means.waits.is_some());
        Step {
            gate: explained::gate(language, *gate).into_owned(),
            is: match verdict {
                Verdict::Open => "open",
                Verdict::Shut(_) => "shut",
                Verdict::Unknown(_) => "unknown",
            },
            why: cause.map(|cause| explained::why(language, cause)).or_else(|| some_wait.then(|| page.t("explain-some-wait").into_owned())),
            remedy: cause.filter(|cause| **cause != Cause::Behind).map(|cause| explained::remedy(language, cause).into_owned()),
            place: cause.and_then(|cause| place(desk, id, cause)),
        }
    };
    report.gates.iter().map(step).collect()
}

/// With whoever did it by name.
fn named(page: &Page, cause: &Cause, names: &HashMap<String, String>) -> Cause {
    match cause {
        Cause::Frozen(since, by, reason) => Cause::Frozen(*since, who(page, by, names), explained::reason(page.language(), by, reason)),
        other => other.clone(),
    }
}

/// Where this operator could mend it.
fn place(desk: &Desk, id: Uuid, cause: &Cause) -> Option<(String, &'static str)> {
    let here = |part: &str| Some((format!("/console/people/{id}#{part}"), "people-place-below"));
    match cause {
        Cause::WritebackOff | Cause::NoAgent | Cause::Unconfirmed | Cause::Silent | Cause::NoKey | Cause::Unreachable | Cause::NotTold
            if desk.may::<Fleet>() =>
        {
            Some(("/console/connectors".to_owned(), "people-place-connectors"))
        }
        Cause::Follows(first) => Some((format!("/console/people/{first}"), "people-place-account")),
        Cause::Waits(..) => here("limits"),
        Cause::Frozen(..) => here("freeze"),
        Cause::NotAsked => here("look"),
        Cause::TooFew { .. } | Cause::CoolingOff(_) => here("ways"),
        _ => None,
    }
}
