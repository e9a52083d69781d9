//! "This wasn't me": the word of whoever got a notice.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, id, typed},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// What stands in a notice, to be opened or typed: 26 characters of Crockford's base32, 130 bits, without look-alikes.
#[derive(Clone)]
pub struct Token(String);

const LENGTH: usize = 26;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Token {
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self(id::random_bytes::<LENGTH>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect())
    }

    /// However it is typed: spaces, dashes and case don't matter, nor what looks alike. `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = typed::plain(text).map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        });
        let plain: String = plain.take(LENGTH + 1).collect();
        let fits = plain.len() == LENGTH && plain.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then_some(Self(plain))
    }

    pub fn into_text(self) -> String {
        self.0
    }

    pub(super) fn hash(&self, scope: &Scope) -> Vec<u8> {
        scope.key().hash(b"notice token", self.0.as_bytes())
    }
}

/// What somebody says was not them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repudiated {
    pub user_id: Uuid,
    /// The kind of the notice.
    pub about: String,
    /// When that happened.
    pub at: OffsetDateTime,
    /// They said so before, or an operator has looked since and lifted a freeze.
    pub before: bool,
}

/// Take the word of whoever holds this token, once. `None`: there is no such notice, or its time is over. The caller has counted the try.
pub async fn repudiate(conn: &mut PgConnection, scope: &Scope, clock: &Clock, token: &Token) -> Result<Option<Repudiated>> {
    Ok(sqlx::query_as!(
        Repudiated,
        r#"with found as (
               select token_hash, used_at from notices where tenant_id = $1 and token_hash = $2 and expires_at > $3 for update)
           update notices n set used_at = coalesce(f.used_at, $3) from found f where n.tenant_id = $1 and n.token_hash = f.token_hash
           returning n.user_id, n.about, n.at, f.used_at is not null or exists (select from freezes z
               where z.tenant_id = n.tenant_id and z.user_id = n.user_id and z.lifted_at > n.at) as "before!""#,
        scope.id(),
        token.hash(scope),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?)
}

/// What was said before was said once more, and nothing is done: whoever asks about it finds this line.
pub async fn said_again(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, word: &Repudiated) -> Result<()> {
    let detail = serde_json::json!({ "reason": word.about });
    let event = Event { action: "account.freeze", outcome: "said_again", user: Some(word.user_id), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await
}

/// Forget those whose time is over.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    Ok(sqlx::query!("delete from notices where expires_at < $1", clock.now()).execute(conn).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Token};

    #[test]
    fn a_token_is_read_however_it_is_typed() {
        let token = Token::new().into_text();
        assert_eq!(token.len(), LENGTH);
        let (begin, end) = token.split_at(13);
        for typed in [token.clone(), token.to_uppercase(), format!(" {begin}-{end}\n"), token.replace('0', "O").replace('1', "l")] {
            assert_eq!(Token::parse(&typed).map(Token::into_text), Some(token.clone()), "{typed:?}");
        }
        for bad in ["", "x", &token[1..], &format!("{token}0"), &format!("{}u", &token[1..]), &format!("{}é", &token[1..])] {
            assert!(Token::parse(bad).is_none(), "{bad:?}");
        }
        assert_ne!(Token::new().into_text(), Token::new().into_text());
    }
}
