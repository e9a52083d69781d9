//! A line as it stands in the database, and the bytes that its place in the chain is made of.

use std::{collections::HashMap, fmt};

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::wire::sha256;

pub type Hash = [u8; 32];

/// Every column, in the words of the database: also what was made unreadable can be told of.
#[derive(Debug, Clone)]
pub struct Stored {
    pub event_id: Uuid,
    pub tenant_id: Uuid,
    /// Since 1970, without leap seconds: a whole number, unless somebody was at it.
    pub micros: String,
    pub actor: String,
    pub action: String,
    pub user_id: Option<Uuid>,
    pub flow_id: Option<Uuid>,
    pub job_id: Option<Uuid>,
    pub request_id: Option<String>,
    /// With its mask: `192.0.2.1/32`.
    pub address: Option<String>,
    pub outcome: String,
    /// As the database writes `jsonb`: members by length and then by bytes, one space behind `:` and `,`.
    pub detail: String,
}

impl Stored {
    /// SHA-256 over label, hash before, place and all columns, each with its length before it, so that nothing can move from one
    /// column into the next. docs/operations.md has it for whoever checks by other means.
    pub fn hash(&self, before: &Hash, seq: i64) -> Hash {
        let mut bytes = b"sspr/1 audit line\n".to_vec();
        let mut put = |field: Option<&[u8]>| match field {
            Some(field) => {
                bytes.extend(u32::try_from(field.len()).unwrap_or(u32::MAX - 1).to_be_bytes());
                bytes.extend(field);
            }
            None => bytes.extend(u32::MAX.to_be_bytes()),
        };
        put(Some(before));
        put(Some(&seq.to_be_bytes()));
        put(Some(self.event_id.as_bytes()));
        put(Some(self.tenant_id.as_bytes()));
        put(Some(self.micros.as_bytes()));
        put(Some(self.actor.as_bytes()));
        put(Some(self.action.as_bytes()));
        for id in [&self.user_id, &self.flow_id, &self.job_id] {
            put(id.as_ref().map(|id| id.as_bytes().as_slice()));
        }
        put(self.request_id.as_deref().map(str::as_bytes));
        put(self.address.as_deref().map(str::as_bytes));
        put(Some(self.outcome.as_bytes()));
        put(Some(self.detail.as_bytes()));
        sha256(&bytes)
    }

    /// What it is found by: action, outcome, and what stands before the actor's colon.
    pub fn kind(&self) -> (&str, &str, &str) {
        (&self.action, &self.outcome, self.actor.split(':').next().unwrap_or_default())
    }

    /// `None` if that is no time.
    pub fn at(&self) -> Option<OffsetDateTime> {
        let micros: i128 = self.micros.parse().ok()?;
        OffsetDateTime::from_unix_timestamp_nanos(micros * 1000).ok()
    }
}

/// Those of these lines that are there.
pub async fn load(conn: &mut PgConnection, tenant: Uuid, events: &[Uuid]) -> Result<HashMap<Uuid, Stored>> {
    let rows = sqlx::query_as!(
        Stored,
        r#"select event_id, tenant_id, trim_scale(extract(epoch from at) * 1000000)::text as "micros!", actor, action, user_id, flow_id, job_id,
               request_id, address::text, outcome, detail::text as "detail!"
           from audit_events where tenant_id = $1 and event_id = any($2)"#,
        tenant,
        events,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|line| (line.event_id, line)).collect())
}

/// For logs and reports.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_and_its_bounds_count() {
        let line = Stored {
            event_id: Uuid::from_u128(1),
            tenant_id: Uuid::from_u128(2),
            micros: "1764196745123456".to_owned(),
            actor: "user".to_owned(),
            action: "reset.begin".to_owned(),
            user_id: None,
            flow_id: Some(Uuid::from_u128(3)),
            job_id: None,
            request_id: Some("ABCDEFGHJK".to_owned()),
            address: Some("192.0.2.1/32".to_owned()),
            outcome: "known".to_owned(),
            detail: "{}".to_owned(),
        };
        // As docs/operations.md says; another encoding is another version.
        let known = Hex(&line.hash(&[0; 32], 1)).to_string();
        assert_eq!(known, "11a6444c78000f03fef3a88a2dda973a3579c417244f1bcc5981773d9480fdf9");
        let changes: [fn(&mut Stored); 13] = [
            |line| line.event_id = Uuid::from_u128(9),
            |line| line.tenant_id = Uuid::from_u128(9),
            |line| line.micros.push('0'),
            |line| line.actor = "cli".to_owned(),
            |line| line.action = "reset.submit".to_owned(),
            |line| line.user_id = Some(Uuid::nil()),
            |line| (line.flow_id, line.job_id) = (line.job_id, line.flow_id),
            |line| line.job_id = Some(Uuid::from_u128(9)),
            |line| line.request_id = None,
            |line| line.address = Some("192.0.2.1/31".to_owned()),
            |line| line.outcome = "unknown".to_owned(),
            |line| line.detail = "{\"a\": 1}".to_owned(),
            |line| (line.actor, line.action) = ("userreset".to_owned(), ".begin".to_owned()),
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut other = line.clone();
            change(&mut other);
            assert_ne!(Hex(&other.hash(&[0; 32], 1)).to_string(), known, "change {n}");
        }
        assert_ne!(Hex(&line.hash(&[0; 32], 2)).to_string(), known);
        assert_ne!(Hex(&line.hash(&[1; 32], 1)).to_string(), known);
        assert_eq!(line.at().unwrap().unix_timestamp(), 1_764_196_745);
    }
}
