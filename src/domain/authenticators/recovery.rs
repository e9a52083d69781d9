//! Recovery codes: ten to print and keep, each good once. Twenty characters of Crockford's alphabet: four that name the code, so that a
//! single slow hash tells whether it fits, and sixteen that prove something (80 bits; NIST SP 800-63B-4 §4.2.1 asks for 64).

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Kind, Label, New, Tried, add};
use crate::{
    base::{clock::Clock, id, typed},
    domain::{audit::Source, notices, policies::Method, tenants::Scope, users},
};

/// Nothing in it looks like something else in it.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SELECTOR: usize = 4;
const LENGTH: usize = 20;
/// A set's.
const COUNT: usize = 10;

/// One code in its one form: lower case, no dashes.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// Case, spaces and dashes don't matter; O is read as 0, I and L as 1.
    pub fn parse(text: &str) -> Option<Self> {
        let read = |c: char| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        };
        let plain = typed::plain(text).map(read);
        let plain = Zeroizing::new(plain.take(LENGTH + 1).collect::<String>());
        let fits = plain.len() == LENGTH && plain.bytes().all(|b| ALPHABET.contains(&b));
        fits.then_some(Self(plain))
    }

    fn new() -> Self {
        let random = Zeroizing::new(id::random_bytes::<LENGTH>());
        Self(Zeroizing::new(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()))
    }

    /// In groups of four, for people.
    pub fn printed(&self) -> String {
        self.0.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    }

    fn selector(&self) -> &str {
        &self.0[..SELECTOR]
    }

    /// What is hashed slowly: nothing that can be tried without the tenant's key, and for this set alone.
    fn secret(&self, scope: &Scope, set: Uuid) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(scope.key().hash(b"recovery code", format!("{set} {}", &*self.0).as_bytes()))
    }
}

/// A set that is not stored yet: hashing it takes a while, and is done under no transaction.
pub struct FreshCodes {
    set: Uuid,
    codes: Vec<(RecoveryCode, [u8; 16])>,
}

impl FreshCodes {
    pub fn new(clock: &Clock) -> Self {
        let mut codes: Vec<(RecoveryCode, [u8; 16])> = Vec::new();
        while codes.len() < COUNT {
            let code = RecoveryCode::new();
            if codes.iter().all(|(other, _)| other.selector() != code.selector()) {
                codes.push((code, id::random_bytes()));
            }
        }
        Self { set: id::time_ordered(clock), codes }
    }

    /// For [`crate::base::slow_hash::SlowHash`].
    pub fn to_hash(&self, scope: &Scope) -> Vec<(Zeroizing<Vec<u8>>, [u8; 16])> {
        self.codes.iter().map(|(code, salt)| (code.secret(scope, self.set), *salt)).collect()
    }

    /// To be shown once.
    pub fn printed(&self) -> Vec<String> {
        self.codes.iter().map(|(code, _)| code.printed()).collect()
    }
}

/// A set that takes the place of another one.
pub struct Renewal<'a> {
    pub user: Uuid,
    /// By what they are signed in.
    pub proven: &'a [Method],
    /// The set that they were shown: a form that is sent again must not burn the codes that were just printed.
    pub replaces: Option<Uuid>,
    pub label: &'a Label,
    pub fresh: &'a FreshCodes,
    /// Of [`FreshCodes::to_hash`].
    pub hashes: &'a [[u8; 32]],
    pub cooling_off: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    Yes,
    /// There is another set by now than the one that they were shown.
    Other,
    /// As with [`super::Removed::Proof`]: the old codes would be gone.
    Proof(Kind),
}

/// Store a set in the place of the old one, whose codes are worth nothing from now on.
pub async fn renew_codes(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, renewal: &Renewal<'_>) -> Result<Renewed> {
    let Renewal { user, fresh, hashes, .. } = *renewal;
    anyhow::ensure!(hashes.len() == fresh.codes.len(), "{} hashes of {} codes", hashes.len(), fresh.codes.len());
    // Two at once: the second waits for the first, and is told that there is another set.
    sqlx::query!("select user_id from users where tenant_id = $1 and user_id = $2 for update", scope.id(), user)
        .fetch_optional(&mut *conn)
        .await?;
    let older = super::list(&mut *conn, scope, user).await?.into_iter().find(|one| one.kind == Kind::RecoveryCodes);
    if older.as_ref().map(|set| set.authenticator_id) != renewal.replaces {
        return Ok(Renewed::Other);
    }
    if older.is_some()
        && let Some(kind) = super::wanted(&mut *conn, scope, clock, user, renewal.proven).await?
    {
        return Ok(Renewed::Proof(kind));
    }
    sqlx::query!("delete from authenticators where tenant_id = $1 and user_id = $2 and kind = 'recovery_codes'", scope.id(), user)
        .execute(&mut *conn)
        .await?;
    let (secret, credential, last_step) = (None, None, None);
    let (label, cooling_off) = (renewal.label, renewal.cooling_off);
    let new = New { authenticator_id: fresh.set, user, kind: Kind::RecoveryCodes, label, secret, credential, last_step, cooling_off };
    add(&mut *conn, scope, clock, source, new).await?;
    let selectors: Vec<String> = fresh.codes.iter().map(|(code, _)| code.selector().to_owned()).collect();
    let salts: Vec<Vec<u8>> = fresh.codes.iter().map(|(_, salt)| salt.to_vec()).collect();
    let hashes: Vec<Vec<u8>> = hashes.iter().map(|hash| hash.to_vec()).collect();
    sqlx::query!(
        "insert into recovery_codes (authenticator_id, tenant_id, selector, salt, hash)
         select $1, $2, selector, salt, hash from unnest($3::text[], $4::bytea[], $5::bytea[]) as c (selector, salt, hash)",
        fresh.set,
        scope.id(),
        &selectors,
        &salts,
        &hashes,
    )
    .execute(conn)
    .await?;
    Ok(Renewed::Yes)
}

/// The one code that a typed one may be.
pub struct Candidate {
    set: Uuid,
    selector: String,
    salt: [u8; 16],
    /// `None`: there is none of that name, or nobody.
    hash: Option<Vec<u8>>,
}

impl Candidate {
    /// For [`crate::base::slow_hash::SlowHash`]; the same work where there is nothing to compare with.
    pub fn to_hash(&self, scope: &Scope, code: &RecoveryCode) -> Vec<(Zeroizing<Vec<u8>>, [u8; 16])> {
        vec![(code.secret(scope, self.set), self.salt)]
    }
}

/// What to compare it with.
pub async fn find_code(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    user: Option<Uuid>,
    code: &RecoveryCode,
) -> Result<Candidate> {
    let row = sqlx::query!(
        "select c.authenticator_id, c.salt, c.hash from recovery_codes c join authenticators a using (tenant_id, authenticator_id)
         where a.tenant_id = $1 and a.user_id = $2 and c.selector = $3 and a.usable_from <= $4",
        scope.id(),
        user.unwrap_or_default(),
        code.selector(),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    let selector = code.selector().to_owned();
    Ok(match row {
        Some(row) => {
            let salt = row.salt.try_into().map_err(|_| anyhow::anyhow!("a salt has the wrong length"))?;
            Candidate { set: row.authenticator_id, selector, salt, hash: Some(row.hash) }
        }
        None => Candidate { set: Uuid::nil(), selector, salt: id::random_bytes(), hash: None },
    })
}

/// Compare, and use it up if it fits. `hash`: of [`Candidate::to_hash`].
pub async fn use_code(conn: &mut PgConnection, scope: &Scope, clock: &Clock, candidate: &Candidate, hash: &[u8; 32]) -> Result<Tried> {
    let nobody = [0; 32];
    let fits = id::same(candidate.hash.as_deref().unwrap_or(&nobody), hash) && candidate.hash.is_some();
    if !fits {
        return Ok(Tried::Wrong);
    }
    // The set may have been replaced since it was looked up: then this finds nothing.
    let done = sqlx::query!(
        "update recovery_codes set used_at = $4 where tenant_id = $1 and authenticator_id = $2 and selector = $3 and used_at is null",
        scope.id(),
        candidate.set,
        candidate.selector,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Tried::Used);
    }
    sqlx::query!(
        "update authenticators set last_used_at = $3 where tenant_id = $1 and authenticator_id = $2",
        scope.id(),
        candidate.set,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(Tried::Right)
}

/// So few are worth saying that new ones should be made.
pub const FEW: i64 = 3;

/// How many of somebody's codes are left; `None`: they have no set.
pub async fn codes_left(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Option<i64>> {
    Ok(super::list(conn, scope, user).await?.into_iter().find_map(|one| one.left))
}

/// One was used just now: whoever has few left, or none, hears of it, before the day on which they need one.
pub async fn tell_if_few(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<()> {
    let Some(left) = codes_left(&mut *conn, scope, user).await?.filter(|left| *left <= FEW) else { return Ok(()) };
    let Some(person) = users::known(&mut *conn, scope, user).await? else { return Ok(()) };
    notices::codes_low(conn, scope, clock, &person, left, source).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_written() {
        let code = "0123-4567-89ab-cdef-gh1k";
        for text in [code, "O123 4567 89AB CDEF GHIK", " o1234567–89ab–cdef–ghlk ", "0123.4567.89ab.cdef.ghLk"] {
            assert_eq!(RecoveryCode::parse(text).unwrap().printed(), code, "{text}");
        }
        for bad in ["", "0123-4567-89ab-cdef-gh1", "0123-4567-89ab-cdef-gh1ku", "0123-4567-89ab-cdef-ghuk", "б123-4567-89ab-cdef-gh1k"] {
            assert!(RecoveryCode::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_set_has_ten_that_are_told_apart_by_their_names() {
        let fresh = FreshCodes::new(&Clock::system());
        let mut names: Vec<_> = fresh.printed().iter().map(|code| code[..4].to_owned()).collect();
        assert!(fresh.printed().iter().all(|code| code.len() == 24 && RecoveryCode::parse(code).unwrap().printed() == *code));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), COUNT);
    }
}
