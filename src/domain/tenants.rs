//! A tenant is an organisation. Whoever holds its [`Scope`] may read and write what is its own, and nothing else.

mod brand;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

pub use brand::{Brand, Contact, Logo};

use crate::base::{
    clock::Clock,
    colour::Colour,
    id,
    language::Language,
    secret::{DataKey, KeyRing},
};

/// The tenant's id and data key. Only loading a tenant makes one, so a verb that takes it was reached through a guard (the host
/// name of a request, an agent's key) or by the worker.
#[derive(Clone)]
pub struct Scope {
    id: Uuid,
    key: DataKey,
}

impl Scope {
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Encrypts contact data and messages, hashes codes and names.
    pub const fn key(&self) -> &DataKey {
        &self.key
    }
}

/// With its key unwrapped.
#[derive(Clone)]
pub struct Tenant {
    pub scope: Scope,
    /// For people: on pages and in messages.
    pub name: String,
    /// Where neither the browser nor the directory says otherwise.
    pub language: Language,
    /// Whom a person is told to ask.
    pub help: Option<String>,
    pub brand: Brand,
    /// Off: nobody is served.
    pub self_service: bool,
    /// Lower case: domains of mailboxes that open with the very password that is reset.
    pub mail_domains: Vec<String>,
    /// Where its portal answers; in the order of the alphabet.
    pub hosts: Vec<String>,
    /// The help desk's mail address, for what it must hear of.
    pub alerts: Option<String>,
    /// So often people are asked whether their methods of proof are still right; 0: never.
    pub reconfirm_days: i32,
    /// People are reminded before their password runs out.
    pub expiry_reminders: bool,
    pub allowed: Allowed,
    /// What no operator may do for a person; what does it asks anew each time.
    pub forbidden: Vec<Aid>,
}

impl Tenant {
    /// Whom its people are told to ask; `None`: nobody is named.
    pub fn contact(&self) -> Option<Contact> {
        let contact = Contact { text: self.help.clone(), ..self.brand.desk.clone() };
        (!contact.is_empty()).then_some(contact)
    }
}

/// What an operator may do for a person, unless it is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aid {
    /// Set a temporary password.
    Temporary,
    /// Read out a code.
    Code,
    Unlock,
    /// Remove a method of proof.
    Method,
    Invitation,
}

impl Aid {
    pub const ALL: [Self; 5] = [Self::Invitation, Self::Code, Self::Unlock, Self::Method, Self::Temporary];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Code => "code",
            Self::Unlock => "unlock",
            Self::Method => "method",
            Self::Invitation => "invitation",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aid| aid.as_str() == text)
    }

    /// The others.
    pub fn but(some: &[Self]) -> Vec<Self> {
        Self::ALL.into_iter().filter(|aid| !some.contains(aid)).collect()
    }
}

/// What a tenant allows of what costs money or tempts bots; what counts reads it anew each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Begins, tries and codes for one client address in ten minutes, of each.
    pub address_limit: i32,
    /// Codes by text message a day; `None`: as many as are asked for. A quarter as many notices may go besides.
    pub sms_budget: Option<i32>,
    /// The same by mail.
    pub mail_budget: Option<i32>,
    /// How numbers begin that get text messages, without `+`; empty: any way.
    pub sms_countries: Vec<String>,
}

impl Allowed {
    /// Whether a number (E.164, with its `+`) may get text messages: by `own`, the countries that its owner's policy names, or, where it names
    /// none, by the tenant's. Any of the beginnings will do, so the longest one does.
    pub fn may_text(&self, own: &[String], number: &str) -> bool {
        let (digits, countries) = (number.trim_start_matches('+'), if own.is_empty() { &self.sms_countries } else { own });
        countries.is_empty() || countries.iter().any(|country| digits.starts_with(country.as_str()))
    }

    /// Notices by text message a day, besides the codes; `None`: as many as there are.
    pub fn sms_notices(&self) -> Option<i32> {
        self.sms_budget.map(notices_of)
    }
}

/// A quarter of the codes', and a handful where that is less; none where no text messages are wanted.
pub fn notices_of(sms_budget: i32) -> i32 {
    if sms_budget == 0 { 0 } else { (sms_budget / 4).max(10) }
}

struct Row {
    tenant_id: Uuid,
    name: String,
    data_key: Vec<u8>,
    language: String,
    help: Option<String>,
    self_service: bool,
    mail_domains: Vec<String>,
    hosts: Vec<String>,
    alerts: Option<String>,
    reconfirm_days: i32,
    address_limit: i32,
    sms_budget: Option<i32>,
    mail_budget: Option<i32>,
    sms_countries: Vec<String>,
    expiry_reminders: bool,
    forbidden: Vec<String>,
    accent: Option<String>,
    logo: Option<Json<Logo>>,
    desk_phone: Option<String>,
    desk_mail: Option<String>,
    desk_link: Option<String>,
    desk_by_group: bool,
}

impl Row {
    fn open(self, ring: &KeyRing) -> Result<Tenant> {
        let key = ring.unwrap(self.tenant_id.as_bytes(), &self.data_key)?;
        Ok(self.with(key))
    }

    fn with(self, key: DataKey) -> Tenant {
        Tenant {
            scope: Scope { id: self.tenant_id, key },
            name: self.name,
            language: Language::negotiate(&self.language).unwrap_or(Language::English),
            help: self.help,
            brand: Brand {
                accent: self.accent.as_deref().and_then(Colour::parse),
                logo: self.logo.map(|logo| logo.0),
                desk: Contact { text: None, phone: self.desk_phone, mail: self.desk_mail, link: self.desk_link },
                by_group: self.desk_by_group,
            },
            self_service: self.self_service,
            mail_domains: self.mail_domains,
            hosts: self.hosts,
            alerts: self.alerts,
            reconfirm_days: self.reconfirm_days,
            allowed: Allowed {
                address_limit: self.address_limit,
                sms_budget: self.sms_budget,
                mail_budget: self.mail_budget,
                sms_countries: self.sms_countries,
            },
            expiry_reminders: self.expiry_reminders,
            forbidden: self.forbidden.iter().filter_map(|aid| Aid::parse(aid)).collect(),
        }
    }
}

/// The tenant whose portal answers at `host` (no port).
pub async fn by_host(conn: &mut PgConnection, ring: &KeyRing, host: &str) -> Result<Option<Tenant>> {
    let row = sqlx::query_as!(
        Row,
        r#"select t.tenant_id, name, data_key, language, help, self_service, mail_domains, alerts, reconfirm_days, expiry_reminders,
               address_limit, sms_budget, mail_budget, sms_countries, forbidden,
               accent, logo as "logo: Json<Logo>", desk_phone, desk_mail, desk_link, desk_by_group,
               array(select o.host from tenant_hosts o where o.tenant_id = t.tenant_id order by o.host) as "hosts!"
           from tenants t join tenant_hosts h on h.tenant_id = t.tenant_id where h.host = $1"#,
        host.to_ascii_lowercase(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(ring)).transpose()
}

/// For the worker and for agents, whose key says which tenant they belong to.
pub async fn by_id(conn: &mut PgConnection, ring: &KeyRing, tenant: Uuid) -> Result<Tenant> {
    row(conn, tenant).await?.open(ring)
}

/// As it is at this moment: the one at hand may be a moment old.
pub async fn again(conn: &mut PgConnection, scope: &Scope) -> Result<Tenant> {
    Ok(row(conn, scope.id).await?.with(scope.key.clone()))
}

async fn row(conn: &mut PgConnection, tenant: Uuid) -> Result<Row> {
    let row = sqlx::query_as!(
        Row,
        r#"select tenant_id, name, data_key, language, help, self_service, mail_domains, alerts, reconfirm_days, expiry_reminders,
               address_limit, sms_budget, mail_budget, sms_countries, forbidden,
               accent, logo as "logo: Json<Logo>", desk_phone, desk_mail, desk_link, desk_by_group,
               array(select host from tenant_hosts h where h.tenant_id = t.tenant_id order by host) as "hosts!"
           from tenants t where tenant_id = $1"#,
        tenant,
    );
    row.fetch_optional(conn).await?.with_context(|| format!("there is no tenant {tenant}"))
}

/// What a tenant begins with.
pub struct New<'a> {
    pub name: &'a str,
    /// Without port; any case.
    pub host: &'a str,
    pub language: Language,
    pub help: Option<&'a str>,
}

/// A new tenant; self-service is off.
pub async fn create(conn: &mut PgConnection, ring: &KeyRing, clock: &Clock, new: New<'_>) -> Result<Tenant> {
    let tenant = id::time_ordered(clock);
    let (_, wrapped) = ring.new_data_key(tenant.as_bytes());
    sqlx::query!(
        "insert into tenants (tenant_id, name, data_key, language, help, created_at) values ($1, $2, $3, $4, $5, $6)",
        tenant,
        new.name,
        wrapped,
        new.language.tag(),
        new.help,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("insert into tenant_hosts (host, tenant_id) values ($1, $2)", new.host.to_ascii_lowercase(), tenant)
        .execute(&mut *conn)
        .await
        .with_context(|| format!("the host {} belongs to a tenant already", new.host))?;
    by_id(conn, ring, tenant).await
}

/// What [`update`] changes; `None` stays as it is.
#[derive(Default, Clone)]
pub struct Change {
    pub name: Option<String>,
    pub language: Option<Language>,
    /// `Some(None)`: nobody is named.
    pub help: Option<Option<String>>,
    pub self_service: Option<bool>,
    pub mail_domains: Option<Vec<String>>,
    /// `Some(None)`: nobody is told.
    pub alerts: Option<Option<String>>,
    pub reconfirm_days: Option<i32>,
    pub expiry_reminders: Option<bool>,
    pub allowed: Option<Allowed>,
    pub forbidden: Option<Vec<Aid>>,
}

/// Without a line in the audit: the noun *settings* writes that too.
pub async fn update(conn: &mut PgConnection, scope: &Scope, change: Change) -> Result<()> {
    let (help, alerts) = (&change.help, &change.alerts);
    let forbidden: Option<Vec<String>> = change.forbidden.map(|aids| aids.iter().map(|aid| aid.as_str().to_owned()).collect());
    sqlx::query!(
        "update tenants set self_service = coalesce($2, self_service), mail_domains = coalesce($3, mail_domains),
             reconfirm_days = coalesce($4, reconfirm_days), address_limit = coalesce($5, address_limit), sms_countries = coalesce($6, sms_countries),
             sms_budget = case when $5 is null then sms_budget else $7 end, mail_budget = case when $5 is null then mail_budget else $8 end,
             name = coalesce($9, name), language = coalesce($10, language), help = case when $11 then $12 else help end,
             alerts = case when $13 then $14 else alerts end, expiry_reminders = coalesce($15, expiry_reminders),
             forbidden = coalesce($16, forbidden)
         where tenant_id = $1",
        scope.id,
        change.self_service,
        change.mail_domains.as_deref(),
        change.reconfirm_days,
        change.allowed.as_ref().map(|allowed| allowed.address_limit),
        change.allowed.as_ref().map(|allowed| allowed.sms_countries.as_slice()),
        change.allowed.as_ref().and_then(|allowed| allowed.sms_budget),
        change.allowed.as_ref().and_then(|allowed| allowed.mail_budget),
        change.name,
        change.language.map(Language::tag),
        help.is_some(),
        help.as_ref().and_then(Option::as_deref),
        alerts.is_some(),
        alerts.as_ref().and_then(Option::as_deref),
        change.expiry_reminders,
        forbidden.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether self-service is on at this moment: a tenant at hand may be a moment old.
pub async fn is_serving(conn: &mut PgConnection, scope: &Scope) -> Result<bool> {
    Ok(sqlx::query_scalar!("select self_service from tenants where tenant_id = $1", scope.id).fetch_one(conn).await?)
}

/// Whether no operator may do this at this moment.
pub async fn forbids(conn: &mut PgConnection, scope: &Scope, aid: Aid) -> Result<bool> {
    let forbidden = sqlx::query_scalar!("select forbidden from tenants where tenant_id = $1", scope.id).fetch_one(conn).await?;
    Ok(forbidden.iter().any(|one| one == aid.as_str()))
}

/// Every tenant, for the command line.
pub async fn all(conn: &mut PgConnection, ring: &KeyRing) -> Result<Vec<Tenant>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id, name, data_key, language, help, self_service, mail_domains, alerts, reconfirm_days, expiry_reminders,
               address_limit, sms_budget, mail_budget, sms_countries, forbidden,
               accent, logo as "logo: Json<Logo>", desk_phone, desk_mail, desk_link, desk_by_group,
               array(select host from tenant_hosts h where h.tenant_id = t.tenant_id order by host) as "hosts!"
           from tenants t order by tenant_id"#,
    );
    rows.fetch_all(conn).await?.into_iter().map(|row| row.open(ring)).collect()
}
