//! Passkeys (WebAuthn Level 3): discoverable, so that no page must show whose keys there are, and with user verification, so that one
//! that was stolen proves nothing by itself. Challenges are ours, kept on this side and used up by the first answer.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, WebauthnError,
    },
};

use super::{
    Kind, Label, New, Tried, add, place,
    registrations::{self, Registered, Registrar},
    stop,
};
use crate::{
    base::{clock::Clock, id},
    domain::{audit::Source, tenants::Scope, users::User},
};

/// One tenant's portal, as passkeys know it: they are bound to its host name.
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// `origin`: `scheme://host[:port]`, as the browser says it; the host is the id. `name`: for people.
    pub fn new(origin: &str, name: &str) -> Result<Self> {
        let url = Url::parse(origin).with_context(|| format!("{origin} is no origin"))?;
        let host = url.domain().with_context(|| format!("{origin}: passkeys need a host name, not an address"))?.to_owned();
        let built = WebauthnBuilder::new(&host, &url).and_then(|builder| builder.rp_name(name).build());
        Ok(Self(built.with_context(|| format!("passkeys at {origin}"))?))
    }

    /// Options for `navigator.credentials.get`, and what must be kept until the answer. No key is named: whoever has one here finds it.
    pub fn challenge(&self) -> Result<(serde_json::Value, Vec<u8>)> {
        let (challenge, state) = self.0.start_discoverable_authentication()?;
        Ok((serde_json::to_value(challenge.public_key)?, serde_json::to_vec(&state)?))
    }
}

/// What a browser answers to a challenge, read but not believed.
pub struct Assertion(PublicKeyCredential);

impl Assertion {
    /// Of JSON as `PublicKeyCredential.toJSON()` makes it.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    /// Whose it says to be: the user handle, which its passkey got when it was made. Nothing is proven by that.
    pub fn claims(&self, rp: &RelyingParty) -> Option<Uuid> {
        rp.0.identify_discoverable_authentication(&self.0).ok().map(|(handle, _)| handle)
    }
}

/// What a browser answers when a passkey is made.
pub struct Attestation(RegisterPublicKeyCredential);

impl Attestation {
    /// Of JSON as `PublicKeyCredential.toJSON()` makes it.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }
}

fn index(scope: &Scope, credential: &[u8]) -> Vec<u8> {
    scope.key().hash(b"authenticators.credential", credential)
}

/// Options for `navigator.credentials.create`.
pub async fn begin_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    rp: &RelyingParty,
    user: &User,
    registrar: Registrar,
) -> Result<serde_json::Value> {
    let rows = sqlx::query!(
        r#"select authenticator_id, secret as "secret!" from authenticators where tenant_id = $1 and user_id = $2 and kind = 'passkey' and stopped_at is null"#,
        scope.id(),
        user.user_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    let known = rows.iter().map(|row| Ok(open(scope, row.authenticator_id, &row.secret)?.cred_id().clone()));
    let known = known.collect::<Result<Vec<_>>>()?;
    let name = if user.display_name.is_empty() { &user.sign_in_name } else { &user.display_name };
    let (challenge, state) = rp.0.start_passkey_registration(user.user_id, &user.sign_in_name, name, Some(known))?;
    registrations::keep(conn, scope, clock, registrar, Kind::Passkey, &serde_json::to_vec(&state)?).await?;
    let mut options = serde_json::to_value(challenge.public_key)?;
    // One that must be named to be used is no use: the first page knows nobody.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    Ok(options)
}

/// Register what the browser made. The challenge is used up, whatever comes of it.
#[expect(clippy::too_many_arguments, reason = "what every verb takes, and what is registered")]
pub async fn finish_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (rp, answer): (&RelyingParty, &Attestation),
    registrar: Registrar,
    label: &Label,
    cooling_off: Duration,
) -> Result<Registered> {
    let Some(state) = registrations::kept(&mut *conn, scope, clock, registrar, Kind::Passkey).await? else {
        return Ok(Registered::Over);
    };
    registrations::drop(&mut *conn, scope, registrar, Kind::Passkey).await?;
    let state: PasskeyRegistration = serde_json::from_slice(&state)?;
    // Where the browser says whether it can be found again, it must.
    let found_again = answer.0.extensions.cred_props.as_ref().and_then(|props| props.rk) != Some(false);
    let passkey = match rp.0.finish_passkey_registration(&answer.0, &state) {
        Ok(passkey) if found_again => passkey,
        Ok(_) => return Ok(Registered::Wrong),
        Err(error) => {
            tracing::info!(error = %error, "a passkey was not registered");
            return Ok(Registered::Wrong);
        }
    };
    let authenticator_id = id::time_ordered(clock);
    let new = New {
        authenticator_id,
        user: registrar.user,
        kind: Kind::Passkey,
        label,
        secret: Some(scope.key().encrypt(&place(authenticator_id), &serde_json::to_vec(&passkey)?)),
        credential: Some(index(scope, passkey.cred_id())),
        last_step: None,
        cooling_off,
    };
    Ok(add(conn, scope, clock, source, new).await?.registered(authenticator_id))
}

fn open(scope: &Scope, authenticator: Uuid, secret: &[u8]) -> Result<Passkey> {
    Ok(serde_json::from_slice(&scope.key().decrypt(&place(authenticator), secret)?)?)
}

/// Whether one of *their* passkeys signed this challenge, here and now, for a person whom it has verified. `state`: what
/// [`RelyingParty::challenge`] gave to keep; the caller has used it up. A copy stops it, whatever comes of the rest.
pub async fn check_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Option<Uuid>,
    (rp, state): (&RelyingParty, &[u8]),
    answer: &Assertion,
) -> Result<Tried> {
    let state: DiscoverableAuthentication = serde_json::from_slice(state)?;
    let Ok((handle, credential)) = rp.0.identify_discoverable_authentication(&answer.0) else { return Ok(Tried::Wrong) };
    let row = sqlx::query!(
        r#"select authenticator_id, secret as "secret!" from authenticators
           where tenant_id = $1 and user_id = $2 and kind = 'passkey' and credential = $3 and usable_from <= $4 and stopped_at is null for update"#,
        scope.id(),
        user.unwrap_or_default(),
        index(scope, credential),
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row.filter(|_| user == Some(handle)) else { return Ok(Tried::Wrong) };
    let mut passkey = open(scope, row.authenticator_id, &row.secret)?;
    let result = match rp.0.finish_discoverable_authentication_v2(&answer.0, state, &passkey) {
        Ok(result) => result,
        Err(WebauthnError::CredentialPossibleCompromise) => {
            stop(conn, scope, clock, source, handle, row.authenticator_id).await?;
            return Ok(Tried::Cloned);
        }
        Err(error) => {
            tracing::info!(error = %error, "a passkey's answer was not taken");
            return Ok(Tried::Wrong);
        }
    };
    passkey.update_credential(&result);
    sqlx::query!(
        "update authenticators set secret = $3, last_used_at = $4 where tenant_id = $1 and authenticator_id = $2",
        scope.id(),
        row.authenticator_id,
        scope.key().encrypt(&place(row.authenticator_id), &serde_json::to_vec(&passkey)?),
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(if result.user_verified() { Tried::Right } else { Tried::Wrong })
}
