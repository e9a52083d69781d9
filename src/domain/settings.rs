//! What an administrator says of the whole tenant, from the console or the command line: changed under the tenant's lock, one line in the
//! audit for each thing that is another one now, so that both doors write the same.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{
    audit::{self, Event, Source},
    history::{self, What},
    policies,
    tenants::{self, Aid, Allowed, Change, Scope, Tenant},
    users::EmailAddress,
};
use crate::base::{clock::Clock, id, language::Language};

/// Days after which people are asked again, at most.
pub const LONGEST_RECONFIRM: i32 = 730;
/// Beginnings of a client address in ten minutes.
pub const ADDRESS_LIMITS: std::ops::RangeInclusive<i32> = 10..=1_000_000;

/// All numbers begin with one of these.
const ANYWHERE: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// A policy's: nothing is as the tenant says, `all` is anywhere.
pub fn parse_own_countries(text: &str) -> Option<Vec<String>> {
    match text.trim() {
        "" => Some(Vec::new()),
        text if text.eq_ignore_ascii_case("all") => Some(ANYWHERE.map(str::to_owned).into()),
        text => parse_countries(text),
    }
}

/// A policy's, for people; `None`: anywhere.
pub fn told_countries(codes: &[String]) -> Option<String> {
    let anywhere = ANYWHERE.iter().all(|digit| codes.iter().any(|code| code == digit));
    (!anywhere).then(|| codes.iter().map(|code| format!("+{code}")).collect::<Vec<_>>().join(", "))
}

/// Calling codes separated by commas, with or without `+`, as in `49,43,41`; `None` if that is not what it is, or too many.
pub fn parse_countries(text: &str) -> Option<Vec<String>> {
    let codes: Vec<String> = text.split(',').map(|code| code.trim().trim_start_matches('+').to_owned()).collect();
    (codes.len() <= policies::MOST_COUNTRIES && codes.iter().all(|code| policies::is_calling_code(code))).then_some(codes)
}

/// Domains separated by commas or line breaks, with or without `@`, in lower case; else the first that no mail address could end with.
pub fn parse_domains(text: &str) -> Result<Vec<String>, String> {
    let domain = |text: &str| text.trim().trim_start_matches('@').to_lowercase();
    let fits = |domain: String| if EmailAddress::parse(&format!("x@{domain}")).is_some() { Ok(domain) } else { Err(domain) };
    text.split([',', '\n', '\r']).map(domain).filter(|domain| !domain.is_empty()).map(fits).collect()
}

/// What the help may name as it is written: the portal, and where the organisation has its mail.
pub fn hosts(tenant: &Tenant) -> Vec<&str> {
    tenant.hosts.iter().chain(&tenant.mail_domains).map(String::as_str).collect()
}

/// All of it, as the history keeps it. What an older entry does not know stays as it is when that is brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub name: String,
    /// BCP 47.
    pub language: String,
    pub help: Option<String>,
    pub self_service: bool,
    pub mail_domains: Vec<String>,
    pub alerts: Option<String>,
    pub reconfirm_days: i32,
    pub expiry_reminders: bool,
    pub allowed: Allowed,
    pub forbidden: Vec<Aid>,
}

impl State {
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            name: tenant.name.clone(),
            language: tenant.language.tag().to_owned(),
            help: tenant.help.clone(),
            self_service: tenant.self_service,
            mail_domains: tenant.mail_domains.clone(),
            alerts: tenant.alerts.clone(),
            reconfirm_days: tenant.reconfirm_days,
            expiry_reminders: tenant.expiry_reminders,
            allowed: tenant.allowed.clone(),
            forbidden: tenant.forbidden.clone(),
        }
    }

    /// Whether somebody could be harmed by the difference as by a policy's: whom they take it to be and are told to ask, what proves nothing,
    /// what operators may do, how far bots and bills may go, who hears of it. That self-service ends is nothing that waits for anybody.
    pub fn guards_otherwise(&self, after: &Self) -> bool {
        self.name != after.name
            || self.help != after.help
            || self.mail_domains != after.mail_domains
            || self.forbidden != after.forbidden
            || self.allowed != after.allowed
            || self.alerts.is_some() && self.alerts != after.alerts
            || !self.self_service && after.self_service
    }

    /// By what is told whether it has changed.
    pub fn mark(&self) -> String {
        let all = serde_json::to_vec(self).expect("plain data");
        data_encoding::HEXLOWER.encode(&id::sha256(&all)[..8])
    }

    /// With all that an entry of the history knows.
    pub fn over(&self, entry: &serde_json::Value) -> Result<Self> {
        let mut all = serde_json::to_value(self)?;
        if let (Some(all), Some(entry)) = (all.as_object_mut(), entry.as_object()) {
            all.extend(entry.clone());
        }
        Ok(serde_json::from_value(all)?)
    }

    /// What brings it about.
    pub fn change(self) -> Change {
        Change {
            name: Some(self.name),
            language: Language::negotiate(&self.language),
            help: Some(self.help),
            self_service: Some(self.self_service),
            mail_domains: Some(self.mail_domains),
            alerts: Some(self.alerts),
            reconfirm_days: Some(self.reconfirm_days),
            expiry_reminders: Some(self.expiry_reminders),
            allowed: Some(self.allowed),
            forbidden: Some(self.forbidden),
        }
    }
}

/// By what a form tells whether somebody else has changed anything since it was shown.
pub fn mark(tenant: &Tenant) -> String {
    State::of(tenant).mark()
}

/// What came of it.
pub enum Changed {
    /// From this to that.
    Yes(Box<[Tenant; 2]>),
    /// It is not any more what the form was filled in for; as it is now.
    Stale(Box<Tenant>),
}

/// `seen`: the [`mark`] of what it was decided upon, if that matters.
pub async fn change(
    conn: &mut PgConnection,
    clock: &Clock,
    source: &Source,
    scope: &Scope,
    (change, seen): (Change, Option<&str>),
) -> Result<Changed> {
    sqlx::query!("select tenant_id from tenants where tenant_id = $1 for no key update", scope.id()).fetch_one(&mut *conn).await?;
    let before = tenants::again(&mut *conn, scope).await?;
    if seen.is_some_and(|seen| seen != mark(&before)) {
        return Ok(Changed::Stale(Box::new(before)));
    }
    tenants::update(&mut *conn, scope, change).await?;
    let after = tenants::again(&mut *conn, scope).await?;
    let (was, is) = (State::of(&before), State::of(&after));
    if was != is {
        history::record(&mut *conn, scope, clock, source, (What::Settings, &was, &is)).await?;
    }
    audit::record_all(conn, clock, lines(&before, &after).into_iter().map(|event| (scope, source, event)).collect()).await?;
    Ok(Changed::Yes(Box::new([before, after])))
}

fn told<T: serde::Serialize>(before: &T, after: &T) -> serde_json::Value {
    serde_json::json!({ "before": before, "after": after })
}

/// Addresses and free text stay out of the audit: that they changed is in it.
fn lines(before: &Tenant, after: &Tenant) -> Vec<Event> {
    let on = |is: bool| if is { "on" } else { "off" };
    let mut lines = Vec::new();
    let mut line = |action, changed: bool, outcome, detail| {
        if changed {
            lines.push(Event { action, outcome, detail, ..Event::default() });
        }
    };
    let none = || serde_json::Value::Null;
    line("tenant.self_service", before.self_service != after.self_service, on(after.self_service), none());
    line("tenant.alerts", before.alerts != after.alerts, on(after.alerts.is_some()), none());
    line("tenant.expiry_reminders", before.expiry_reminders != after.expiry_reminders, on(after.expiry_reminders), none());
    line("tenant.name", before.name != after.name, "changed", told(&before.name, &after.name));
    line("tenant.language", before.language != after.language, "changed", told(&before.language.tag(), &after.language.tag()));
    line("tenant.help", before.help != after.help, "changed", none());
    let days = told(&before.reconfirm_days, &after.reconfirm_days);
    line("tenant.reconfirm_days", before.reconfirm_days != after.reconfirm_days, "changed", days);
    line("tenant.mail_domains", before.mail_domains != after.mail_domains, "changed", told(&before.mail_domains, &after.mail_domains));
    line("tenant.acts", before.forbidden != after.forbidden, "changed", told(&Aid::but(&before.forbidden), &Aid::but(&after.forbidden)));
    line("tenant.limits", before.allowed != after.allowed, "changed", told(&before.allowed, &after.allowed));
    lines
}

#[cfg(test)]
mod tests {
    use super::{parse_countries, parse_domains};

    #[test]
    fn lists_are_read_as_people_write_them() {
        assert_eq!(parse_countries("49, +43,41"), Some(vec!["49".into(), "43".into(), "41".into()]));
        for bad in ["", "0049", "x", "49,", "12345678"] {
            assert_eq!(parse_countries(bad), None, "{bad}");
        }
        assert_eq!(parse_domains(" @Corp.example,\r\nmail.example\n"), Ok(vec!["corp.example".into(), "mail.example".into()]));
        assert_eq!(parse_domains(""), Ok(Vec::new()));
        for bad in ["not a domain", "http://corp.example", "*.example", "corp.example.", "corp", "x@corp.example"] {
            assert_eq!(parse_domains(&format!("mail.example,{bad}")), Err(bad.into()));
        }
    }
}
