//! Operators' own passwords: Argon2id, compared at the same cost whether or not there is such an operator. The slow hash itself is the
//! caller's ([`crate::base::slow_hash::SlowHash`]), outside any transaction and as many at once as there is room for.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Operator, mail_index};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
        users::EmailAddress,
    },
};

/// Characters, at least. With a second factor NIST SP 800-63B-4 §3.1.1.2 asks for 8; whoever holds this one holds many accounts.
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// One that may be chosen.
pub struct Password(Zeroizing<String>);

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    Short,
    Long,
    /// It holds their name or address, the service's or the organisation's name, or one character over and over.
    Guessable,
}

impl Password {
    /// `about`: words that somebody would guess first.
    pub fn parse(text: &str, about: &[&str]) -> Result<Self, Unfit> {
        let (length, lower) = (text.chars().count(), text.to_lowercase());
        if length < SHORTEST {
            return Err(Unfit::Short);
        }
        if length > LONGEST {
            return Err(Unfit::Long);
        }
        let words = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase);
        let mut kinds: Vec<char> = lower.chars().collect();
        kinds.sort_unstable();
        kinds.dedup();
        // What is left without the words must be worth something by itself.
        let rest = words.filter(|word| word.chars().count() >= 4).fold(lower, |left, word| left.replace(&word, ""));
        if kinds.len() < 5 || rest.chars().count() < 8 {
            return Err(Unfit::Guessable);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// For the slow hash: the password and a new salt, which [`choose_password`] wants as well.
    pub fn to_hash(&self) -> (Zeroizing<Vec<u8>>, [u8; 16]) {
        (Zeroizing::new(self.0.as_bytes().to_vec()), id::random_bytes())
    }
}

/// What to hash what was typed with, and whose it would be.
pub struct Asked {
    salt: [u8; 16],
    hash: Option<[u8; 32]>,
    operator: Option<Uuid>,
}

impl Asked {
    /// Limits count for this, known or not.
    pub fn subject(scope: &Scope, mail: &str) -> Vec<u8> {
        mail_index(scope, mail)
    }

    pub fn to_hash(&self, typed: &str) -> (Zeroizing<Vec<u8>>, [u8; 16]) {
        (Zeroizing::new(typed.as_bytes().to_vec()), self.salt)
    }

    /// Whose it would be: for the trail, where nobody reads it who does not see operators anyway.
    pub const fn whose(&self) -> Option<Uuid> {
        self.operator
    }

    /// Whose password it was.
    pub fn is(&self, hash: &[u8; 32]) -> Option<Uuid> {
        let right = id::same(hash, &self.hash.unwrap_or([0; 32])) && self.hash.is_some();
        self.operator.filter(|_| right)
    }
}

/// Look for the operator of this address. Nobody gets a salt of nobody's.
pub async fn ask(conn: &mut PgConnection, scope: &Scope, mail: Option<&EmailAddress>) -> Result<Asked> {
    let row = sqlx::query!(
        r#"select operator_id, salt as "salt!", password_hash as "hash!" from operators
           where tenant_id = $1 and mail_index = $2 and disabled_at is null and password_hash is not null"#,
        scope.id(),
        mail_index(scope, mail.map_or("", EmailAddress::as_str)),
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(Asked { salt: [0; 16], hash: None, operator: None }) };
    Ok(Asked { salt: row.salt.as_slice().try_into()?, hash: Some(row.hash.as_slice().try_into()?), operator: Some(row.operator_id) })
}

/// The same for whoever is signed in.
pub async fn hold(conn: &mut PgConnection, scope: &Scope, operator: &Operator) -> Result<Asked> {
    ask(conn, scope, Some(&operator.mail)).await
}

/// What a browser came by a link for: theirs once the link is used up. False: the link is worth nothing any more.
pub async fn keep_password(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    session: Uuid,
    (salt, hash): (&[u8; 16], &[u8; 32]),
) -> Result<bool> {
    let done = sqlx::query!(
        "update operator_sessions s set pending_salt = $3, pending_hash = $4 from operators o join operator_links l using (tenant_id, operator_id)
         where s.tenant_id = $1 and s.session_id = $2 and s.stage = 'link' and o.tenant_id = $1 and o.operator_id = s.operator_id
             and o.disabled_at is null and l.expires_at > $5",
        scope.id(),
        session,
        salt,
        hash,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Salt and hash of what was kept.
pub async fn kept_password(conn: &mut PgConnection, scope: &Scope, session: Uuid) -> Result<Option<([u8; 16], [u8; 32])>> {
    let row = sqlx::query!(
        r#"select pending_salt as "salt!", pending_hash as "hash!" from operator_sessions
           where tenant_id = $1 and session_id = $2 and stage = 'link' and pending_hash is not null"#,
        scope.id(),
        session,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.salt.as_slice().try_into()?, row.hash.as_slice().try_into()?))).transpose()
}

/// From now on this is theirs.
pub async fn choose_password(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    (salt, hash): (&[u8; 16], &[u8; 32]),
) -> Result<()> {
    sqlx::query!(
        "update operators set salt = $3, password_hash = $4, password_at = $5 where tenant_id = $1 and operator_id = $2",
        scope.id(),
        operator,
        salt,
        hash,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "operator": operator });
    audit::record(conn, scope, clock, source, Event { action: "operator.password", outcome: "chosen", detail, ..Event::default() }).await
}

#[cfg(test)]
mod tests {
    use super::{Password, Unfit};

    #[test]
    fn what_somebody_would_guess_first_is_not_taken() {
        let parse = |text: &str| Password::parse(text, &["Olga Owner", "olga@corp.example", "Corp Example"]).map(|_| ());
        assert_eq!(parse("short"), Err(Unfit::Short));
        assert_eq!(parse(&"long ".repeat(60)), Err(Unfit::Long));
        for bad in ["aaaaaaaaaaaaaaaa", "olga-owner-2026", "Corp.Example1234", "OlgaOwnerCorp"] {
            assert_eq!(parse(bad), Err(Unfit::Guessable), "{bad}");
        }
        for good in ["correct horse battery", "mehrere Wörter in Folge", "Olga likes small green apples"] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
    }
}
