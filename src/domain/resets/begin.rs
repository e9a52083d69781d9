//! The first step: a name becomes a flow, whether or not there is such a person.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Flow, LIFETIME, Offer, Purpose};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        authenticators::{self, Kind},
        policies::{self, Class, Method, Terms},
        tenants::Tenant,
        users::{self, Candidates, EmailAddress, Name, User},
    },
};

/// What for, and from where.
pub struct How<'a> {
    pub purpose: Purpose,
    /// BCP 47, of the browser.
    pub language: &'a str,
    /// As coarse as the account page shows it.
    pub device: &'a str,
}

pub struct Begun {
    /// For the browser's cookie; only its hash is kept.
    pub cookie: String,
    pub flow_id: Uuid,
}

/// Begin a journey for whoever is called `name`. Known and unknown names cost the same statements in the same order: two that read and
/// one that writes, which is all of the transaction.
pub async fn begin(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, name: &Name, how: &How<'_>) -> Result<Begun> {
    let scope = &tenant.scope;
    // All that a name shows and counts depends on its local part: "x" and "x@corp" must not differ where there is no x.
    let similar = users::similar(scope, name);
    let Candidates { found, namesake, donors, help_desk } = users::candidates(&mut *conn, scope, name, &similar).await?;
    let own_two = [&found, &namesake].map(|one| one.as_ref().map_or_else(Uuid::nil, |(user, _)| user.user_id));
    let people: Vec<Uuid> = own_two.into_iter().chain(donors.iter().map(|(user, _)| user.user_id)).collect();
    let registered = authenticators::usable(&mut *conn, scope, clock, &people).await?;

    // Somebody whom no policy serves, or who cannot pass as many gates as theirs asks, gets the decoy's answer: uniform, and as useless.
    let able = |(user, terms): &(User, Terms)| {
        let (offers, terms) = looks(tenant, user, &methods_of(&registered, user.user_id), &how.purpose.terms(terms), clock.now());
        (terms.serves && is_enough(&offers, &terms)).then_some((offers, terms))
    };
    let own = found.as_ref().and_then(able);
    // What they see is the decoy's, but the help desk can tell who they are.
    let caller = found.as_ref().filter(|(_, terms)| own.is_none() && may_call(&how.purpose.terms(terms))).map(|(user, _)| user.user_id);
    let user = found.as_ref().filter(|_| own.is_some()).map(|(user, _)| user.clone());
    let (mut options, terms) = own.unwrap_or_else(|| {
        let disguise = Disguise { name, hash: &similar };
        let nearly = namesake.as_ref().and_then(|one| able(one).map(|looks| (Some(Face::Bare(&one.0)), looks)));
        let lent = || donors.iter().find_map(|one| able(one).map(|looks| (Some(Face::Disguised(&one.0, &disguise)), looks)));
        let (lender, (offers, terms)) = nearly.or_else(lent).unwrap_or_else(|| {
            // Nobody near could do it: what somebody who can would see.
            let first = donors.first();
            let terms = how.purpose.terms(&first.map_or_else(Terms::usual, |(_, terms)| terms.clone()));
            (first.map(|(user, _)| Face::Disguised(user, &disguise)), (plausible(&terms), terms))
        });
        // One name has one face, whatever it is typed for: who cannot reset, and can sign in, shows the same mailbox at both doors.
        let real = found.as_ref().or(namesake.as_ref()).map(|(user, _)| Face::Bare(user));
        let face = real.or_else(|| donors.first().map(|(user, _)| Face::Disguised(user, &disguise)));
        let faces = [face, lender];
        let worn = |offer: Offer| {
            let known = faces.iter().flatten().find_map(|face| face.shows(tenant, &terms, clock.now(), offer.method));
            known.unwrap_or_else(|| disguise.of_nobody(offer))
        };
        (offers.into_iter().map(worn).collect(), terms)
    });
    // Whether it is theirs to use, the help desk is told when it makes a code.
    if help_desk && options.iter().all(|offer| offer.method != Method::HelpDesk) {
        options.push(Offer::new(Method::HelpDesk, String::new()));
    }
    // Who types nearly somebody's name counts for them as who types it: were it another count, the length of a wait would tell the two apart.
    let whose = user.as_ref().or(namesake.as_ref().map(|(user, _)| user));
    let account = whose.map_or_else(|| users::no_one(scope, &similar), |user| user.subject(scope));
    let mut subjects = vec![similar, account];
    // One order for all flows that share any of them: counters are locked in it.
    subjects.sort_unstable();

    let (flow_id, cookie, now) = (id::time_ordered(clock), id::token(), clock.now());
    let event = Event {
        action: "reset.begin",
        outcome: if user.is_some() { "known" } else { "decoy" },
        user: user.as_ref().map(|user| user.user_id),
        flow: Some(flow_id),
        detail: serde_json::json!({ "purpose": how.purpose, "device": how.device }),
        ..Event::default()
    };
    sqlx::query!(
        "insert into flows (flow_id, tenant_id, browser_hash, user_id, subjects, name, options, language, state, gates, apart, created_at, expires_at,
             purpose, rises, caller_id, tries, sends)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'proving', $9, $10, $11, $12, $14, $15, $16, $17, $18) returning audit_write($13, $11)",
        flow_id,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        user.as_ref().map(|user| user.user_id),
        &subjects,
        scope.key().encrypt(b"flows.name", name.as_str().as_bytes()),
        serde_json::to_value(&options)?,
        how.language,
        terms.gates,
        terms.apart,
        now,
        now + LIFETIME,
        audit::line(scope, clock, source, &event),
        how.purpose.as_str(),
        terms.rises,
        caller,
        terms.allowance.tries,
        terms.allowance.sends,
    )
    .fetch_one(conn)
    .await?;
    Ok(Begun { cookie, flow_id })
}

/// Whether that passes all gates.
pub fn is_enough(offers: &[Offer], terms: &Terms) -> bool {
    policies::classes(offers.iter().map(|offer| offer.method), terms.apart) >= usize::try_from(terms.gates).unwrap_or(2)
}

/// The methods that this person's authenticators make, of those that are registered.
pub fn methods_of(registered: &[(Uuid, Kind)], user: Uuid) -> Vec<Method> {
    registered.iter().filter(|(owner, _)| *owner == user).map(|(_, kind)| kind.method()).collect()
}

/// The strongest first, then the private mailbox: the other one may be behind the very password that was forgotten. Last what is used
/// up by it, or takes somebody else.
const ORDER: [Method; 7] =
    [Method::Passkey, Method::Totp, Method::PrivateEmail, Method::Email, Method::Sms, Method::RecoveryCode, Method::HelpDesk];

/// Whether the help desk alone would do.
pub fn may_call(terms: &Terms) -> bool {
    terms.serves && terms.gates == 1 && terms.methods.contains(&Method::HelpDesk)
}

/// What a person can prove themselves by, and what that comes to under these terms: more is asked of whoever has more.
pub fn looks(tenant: &Tenant, user: &User, kinds: &[Method], terms: &Terms, now: OffsetDateTime) -> (Vec<Offer>, Terms) {
    if terms.rises {
        let offers = offers(tenant, user, kinds, &Terms { gates: 2, ..terms.clone() }, now);
        let risen = terms.for_whoever_has(offers.iter().map(|offer| offer.method));
        if risen.rises {
            return (offers, risen);
        }
    }
    let terms = Terms { rises: false, ..terms.clone() };
    (offers(tenant, user, kinds, &terms, now), terms)
}

/// All that a person can prove themselves by where these terms hold; `kinds` are the authenticators of theirs that are good now. A
/// mailbox that is known to be behind the forgotten password proves nothing alone; nor does an address at all that is another since
/// lately. The help desk is for everybody, but nobody is known by nothing else: no decoy looks like that.
fn offers(tenant: &Tenant, user: &User, kinds: &[Method], terms: &Terms, now: OffsetDateTime) -> Vec<Offer> {
    let alone = terms.gates == 1 && !terms.password_follows;
    let behind = |mail: &&EmailAddress| alone && tenant.mail_domains.iter().any(|domain| mail.is_at(domain));
    let [mail_known, private_known, mobile_known] = user.since.map(|at| at.is_none_or(|at| at + terms.cooling_off <= now));
    let private = user
        .private_mail
        .as_ref()
        .filter(|mail| private_known && !behind(mail))
        .map(|mail| Offer::new(Method::PrivateEmail, mail.masked()));
    let mail = user.mail.as_ref().filter(|mail| mail_known && !behind(mail)).map(|mail| Offer::new(Method::Email, mail.masked()));
    let mobile = user.mobile.as_ref().filter(|_| mobile_known && user.is_texted(tenant, terms));
    let mobile = mobile.map(|mobile| Offer { country: Some(mobile.calling_code().to_owned()), ..Offer::new(Method::Sms, mobile.masked()) });
    // Nothing of these is shown: what its owner calls it is theirs to know.
    let bare = |method: &Method| Offer::new(*method, String::new());
    let all = private.into_iter().chain(mail).chain(mobile).chain(kinds.iter().map(bare));
    let mut all: Vec<Offer> = all.filter(|offer| terms.methods.contains(&offer.method)).collect();
    if !all.is_empty() && terms.methods.contains(&Method::HelpDesk) {
        all.push(bare(&Method::HelpDesk));
    }
    all.sort_by_key(|offer| ORDER.iter().position(|method| *method == offer.method));
    all
}

/// Whether all that this flow was sent a code by would be offered for it now, to what is on file now: `countries`, as its person's policy says.
pub(super) fn stands(tenant: &Tenant, user: &User, flow: &Flow, countries: Vec<String>, now: OffsetDateTime) -> bool {
    let asked = flow.purpose.terms(&Terms { countries, methods: flow.passed.clone(), cooling_off: Duration::ZERO, ..Terms::usual() });
    let offers = offers(tenant, user, &[], &Terms { gates: flow.gates, ..asked }, now);
    let sent = flow.passed.iter().filter(|method| method.class() == Class::Issued);
    sent.into_iter().all(|method| offers.iter().any(|offer| offer.method == *method))
}

/// What most of those see who can do what these terms ask for.
fn plausible(terms: &Terms) -> Vec<Offer> {
    let likely = [Method::Email, Method::Totp, Method::Sms, Method::PrivateEmail, Method::Passkey, Method::RecoveryCode];
    let mut offers: Vec<Offer> = Vec::new();
    for method in likely.into_iter().filter(|method| terms.methods.contains(method)) {
        if !is_enough(&offers, terms) {
            offers.push(Offer::new(method, String::new()));
        }
    }
    offers.sort_by_key(|offer| ORDER.iter().position(|method| *method == offer.method));
    offers
}

/// How contacts are shown to whoever typed a name that is not their owner's, or whose owner must not be known: always the same for the same
/// name.
struct Disguise<'a> {
    name: &'a Name,
    hash: &'a [u8],
}

impl Disguise<'_> {
    /// The typed name's first letter where the donor's own address begins like the donor's name, else the address's own: as often as with
    /// people who are real.
    fn first(&self, donor: &User, mail: &EmailAddress) -> char {
        let own = mail.as_str().chars().next().map_or('m', |first| first.to_ascii_lowercase());
        let typed = self.name.as_str().chars().next().filter(char::is_ascii_alphanumeric);
        typed.filter(|_| donor.sign_in_name.to_ascii_lowercase().starts_with(own)).unwrap_or(own)
    }

    fn last(&self) -> String {
        format!("{:02}", self.hash[16] % 100)
    }

    /// Where there is not even a donor.
    fn of_nobody(&self, offer: Offer) -> Offer {
        let typed = self.name.as_str().chars().next().filter(char::is_ascii_alphanumeric).unwrap_or('m');
        let masked = match offer.method {
            Method::Email => format!("{typed}•••@m•••.com"),
            Method::Sms => format!("+•••••••{}", self.last()),
            _ => offer.masked,
        };
        Offer { masked, ..offer }
    }
}

/// Whose contacts are shown.
enum Face<'a> {
    Bare(&'a User),
    Disguised(&'a User, &'a Disguise<'a>),
}

impl Face<'_> {
    /// This method as it is shown, if it is a contact that they have and these terms take.
    fn shows(&self, tenant: &Tenant, terms: &Terms, now: OffsetDateTime, method: Method) -> Option<Offer> {
        let (Self::Bare(user) | Self::Disguised(user, _)) = self;
        let offer = offers(tenant, user, &[], terms, now).into_iter().find(|offer| offer.method == method && !offer.masked.is_empty())?;
        let Self::Disguised(user, disguise) = self else { return Some(offer) };
        let masked = |mail: &Option<EmailAddress>| mail.as_ref().map(|mail| mail.masked_as(disguise.first(user, mail)));
        let masked = match method {
            Method::Email => masked(&user.mail),
            Method::PrivateEmail => masked(&user.private_mail),
            _ => user.mobile.as_ref().map(|mobile| mobile.masked_as(&disguise.last())),
        };
        Some(Offer { masked: masked?, ..offer })
    }
}
