//! Authenticator apps (RFC 6238): 160 bits, SHA-1, six digits, thirty seconds, which is what every app understands. Our clock counts and
//! nobody else's, one step to either side, and no step is taken twice: neither in this flow nor in another (RFC 6238 §5.2).

use anyhow::{Result, anyhow};
use sqlx::PgConnection;
use time::Duration;
use totp_rs::{Algorithm, Builder};
use zeroize::Zeroizing;

use super::{
    Kind, Label, New, Tried, add, place,
    registrations::{self, Registered, Registrar},
};
use crate::{
    base::{clock::Clock, id},
    domain::{audit::Source, tenants::Scope},
};
use uuid::Uuid;

const STEP_SECONDS: i64 = 30;
/// Steps to either side: clocks of phones drift, and people type slowly.
const SKEW: i64 = 1;

/// What the app and we share, while it is being registered.
pub struct AppSecret(Zeroizing<Vec<u8>>);

impl AppSecret {
    /// A new one, of 160 bits.
    pub fn fresh() -> Self {
        Self(Zeroizing::new(id::random_bytes::<20>().to_vec()))
    }

    /// As it was kept.
    pub const fn of(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// To be kept, encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The steps around `now` (seconds since 1970) whose code these digits are, in order.
    pub fn steps(&self, now: i64, digits: &str) -> Vec<i64> {
        let totp = builder(&self.0).build_noncompliant();
        let current = now.div_euclid(STEP_SECONDS);
        // All of them are computed, whichever fits.
        let code = |step: i64| totp.generate(u64::try_from(step * STEP_SECONDS).unwrap_or(0)).to_string();
        (current - SKEW..=current + SKEW)
            .map(|step| (step, code(step)))
            .filter(|(_, code)| id::same(code.as_bytes(), digits.as_bytes()))
            .map(|(step, _)| step)
            .collect()
    }

    /// For typing in: base32 in groups of four.
    pub fn grouped(&self) -> String {
        let text = data_encoding::BASE32_NOPAD.encode(&self.0);
        text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// `otpauth://totp/…`, for the picture. What an issuer's or an account's name must not hold there is left out.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<String> {
        let plain = |text: &str| text.replace(':', " ");
        let builder = builder(&self.0).with_issuer(Some(plain(issuer))).with_account_name(plain(account));
        builder.build().and_then(|totp| totp.to_url()).map_err(|error| anyhow!("otpauth: {error}"))
    }
}

fn builder(secret: &[u8]) -> Builder {
    let step = STEP_SECONDS.unsigned_abs();
    Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(step).with_secret(secret.to_vec())
}

/// A new secret for this session; an older one that it had not confirmed is worth nothing from now on.
pub async fn begin_app(conn: &mut PgConnection, scope: &Scope, clock: &Clock, registrar: Registrar) -> Result<()> {
    registrations::keep(conn, scope, clock, registrar, Kind::Totp, AppSecret::fresh().as_bytes()).await
}

/// The one that waits for its first code.
pub async fn pending_app(conn: &mut PgConnection, scope: &Scope, clock: &Clock, registrar: Registrar) -> Result<Option<AppSecret>> {
    Ok(registrations::kept(conn, scope, clock, registrar, Kind::Totp).await?.map(AppSecret))
}

/// Its first code shows that the app has it. `digits`: six.
#[expect(clippy::too_many_arguments, reason = "what every verb takes, and what is registered")]
pub async fn confirm_app(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    registrar: Registrar,
    label: &Label,
    digits: &str,
    cooling_off: Duration,
) -> Result<Registered> {
    let Some(secret) = pending_app(&mut *conn, scope, clock, registrar).await? else { return Ok(Registered::Over) };
    let steps = secret.steps(clock.now().unix_timestamp(), digits);
    let Some(&step) = steps.last() else { return Ok(Registered::Wrong) };
    registrations::drop(&mut *conn, scope, registrar, Kind::Totp).await?;
    let authenticator_id = id::time_ordered(clock);
    let new = New {
        authenticator_id,
        user: registrar.user,
        kind: Kind::Totp,
        label,
        secret: Some(scope.key().encrypt(&place(authenticator_id), secret.as_bytes())),
        credential: None,
        last_step: Some(step),
        cooling_off,
    };
    Ok(add(conn, scope, clock, source, new).await?.registered(authenticator_id))
}

/// Whether these six digits are shown at this moment by an app of theirs. Where there is none, or nobody, the same is computed for a
/// secret of nobody's.
pub async fn check_app(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Option<Uuid>, digits: &str) -> Result<Tried> {
    let now = clock.now();
    let rows = sqlx::query!(
        r#"select authenticator_id, secret as "secret!", last_step from authenticators
           where tenant_id = $1 and user_id = $2 and kind = 'totp' and usable_from <= $3 order by authenticator_id for update"#,
        scope.id(),
        user.unwrap_or_default(),
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    if rows.is_empty() {
        let nobody = scope.key().decrypt(b"nobody", &scope.key().encrypt(b"nobody", &[0; 20]))?;
        std::hint::black_box(AppSecret::of(nobody).steps(now.unix_timestamp(), digits));
        return Ok(Tried::Wrong);
    }
    let (mut found, mut used) = (None, false);
    for row in rows {
        let secret = AppSecret::of(scope.key().decrypt(&place(row.authenticator_id), &row.secret)?);
        for step in secret.steps(now.unix_timestamp(), digits) {
            if row.last_step.is_some_and(|last| step <= last) {
                used = true;
            } else {
                found = Some((row.authenticator_id, step));
            }
        }
    }
    let Some((authenticator, step)) = found else { return Ok(if used { Tried::Used } else { Tried::Wrong }) };
    // The condition again: it, and not the lock, is what takes each step once.
    let done = sqlx::query!(
        "update authenticators set last_step = $3, last_used_at = $4
         where tenant_id = $1 and authenticator_id = $2 and (last_step is null or last_step < $3)",
        scope.id(),
        authenticator,
        step,
        now,
    )
    .execute(conn)
    .await?;
    Ok(if done.rows_affected() == 1 { Tried::Right } else { Tried::Used })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (at, code) in [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")] {
            assert_eq!(secret.steps(at, code), [at / 30], "{at}");
            for (away, fits) in [(-60, false), (-30, true), (30, true), (60, false)] {
                assert_eq!(!secret.steps(at + away, code).is_empty(), fits, "{at} {away}");
            }
        }
    }

    #[test]
    fn the_key_is_grouped_and_the_uri_is_whole() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        assert_eq!(secret.grouped(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let uri = secret.uri("Corp: Example & Co", "alice@corp.example").unwrap();
        assert_eq!(
            uri,
            "otpauth://totp/Corp%20%20Example%20%26%20Co:alice%40corp.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Corp%20%20Example%20%26%20Co"
        );
    }
}
