//! What messages cost an organisation: a price for each way, and what was spent at the prices of today.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Report;
use crate::{
    base::{clock::Clock, language::Language},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// Prices and sums are kept in millionths.
const WHOLE: i64 = 1_000_000;
/// Nothing costs more than a hundred.
const HIGHEST: i64 = 100 * WHOLE;

/// In millionths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// ISO 4217.
    pub currency: String,
    /// Each part of a text message.
    pub sms: i64,
    pub mail: i64,
}

impl Prices {
    /// What the messages of a report cost: mails, text messages.
    pub const fn spent(&self, report: &Report) -> (i64, i64) {
        (report.mails.parts.saturating_mul(self.mail), report.texts.parts.saturating_mul(self.sms))
    }

    /// A sum for people, to the hundredth.
    pub fn sum(&self, language: Language, millionths: i64) -> String {
        let hundredths = (millionths + WHOLE / 200) / (WHOLE / 100);
        let point = if language == Language::German { ',' } else { '.' };
        format!("{} {}{point}{:02}", self.currency, hundredths / 100, hundredths % 100)
    }
}

/// Three letters, as in `EUR`.
pub fn parse_currency(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    (text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase())).then_some(text)
}

/// `0.075` or `0,075`, to the millionth; nothing is nothing.
pub fn parse_price(text: &str) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() > 3 || part.len() > 6 || !digits(whole) || !digits(part) || whole.is_empty() && !part.is_empty() {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let price = whole * WHOLE + format!("{part:0<6}").parse::<i64>().ok()?;
    (price <= HIGHEST).then_some(price)
}

/// As it is typed.
pub fn typed(price: i64) -> String {
    let text = format!("{}.{:06}", price / WHOLE, price % WHOLE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `None`: nobody has said.
pub async fn prices(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Prices>> {
    let prices = sqlx::query_as!(Prices, "select currency, sms, mail from prices where tenant_id = $1", scope.id());
    Ok(prices.fetch_optional(conn).await?)
}

/// As they are and, until this transaction is over, stay: whoever else wants to change them waits.
pub async fn prices_held(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Prices>> {
    sqlx::query!("select tenant_id from tenants where tenant_id = $1 for no key update", scope.id()).fetch_one(&mut *conn).await?;
    prices(conn, scope).await
}

/// From now on, and for what was sent before as well.
pub async fn set_prices(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, to: Option<&Prices>) -> Result<()> {
    let before = prices_held(&mut *conn, scope).await?;
    if before.as_ref() == to {
        return Ok(());
    }
    match to {
        Some(to) => {
            sqlx::query!(
                "insert into prices (tenant_id, currency, sms, mail) values ($1, $2, $3, $4)
                 on conflict (tenant_id) do update set currency = excluded.currency, sms = excluded.sms, mail = excluded.mail",
                scope.id(),
                to.currency,
                to.sms,
                to.mail,
            )
            .execute(&mut *conn)
            .await?;
        }
        None => {
            sqlx::query!("delete from prices where tenant_id = $1", scope.id()).execute(&mut *conn).await?;
        }
    }
    let outcome = if to.is_some() { "changed" } else { "removed" };
    let detail = serde_json::json!({ "before": before, "after": to });
    audit::record(conn, scope, clock, source, Event { action: "tenant.prices", outcome, detail, ..Event::default() }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_people_write_it_and_written_as_it_is_read() {
        for (text, price) in
            [("0.075", 75_000), ("0,075", 75_000), ("1", 1_000_000), (" 0.000001 ", 1), ("100", 100_000_000), ("", 0), ("1.", 1_000_000)]
        {
            assert_eq!(parse_price(text), Some(price), "{text:?}");
            assert_eq!(parse_price(&typed(price)), Some(price));
        }
        for bad in ["-1", "0.0000001", "100.1", "1000", "1e3", ".5", "1.2.3", "x", "٣", "1 000"] {
            assert_eq!(parse_price(bad), None, "{bad:?}");
        }
        assert_eq!((parse_currency(" eur"), parse_currency("EURO"), parse_currency("E€")), (Some("EUR".into()), None, None));
    }

    #[test]
    fn a_sum_is_told_to_the_hundredth() {
        let prices = Prices { currency: "EUR".into(), sms: 75_000, mail: 0 };
        for (millionths, said) in
            [(0, "EUR 0.00"), (75_000, "EUR 0.08"), (1_234_567_890, "EUR 1234.57"), (4_999, "EUR 0.00"), (5_000, "EUR 0.01")]
        {
            assert_eq!(prices.sum(Language::English, millionths), said);
        }
        assert_eq!(prices.sum(Language::German, 1_500_000), "EUR 1,50");
    }
}
