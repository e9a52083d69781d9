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

    /// Options for `navigator.credentials.create`, and what must be kept until the answer. `handle`: whose it is to say it is.
    pub fn offer(&self, handle: Uuid, name: &str, shown: &str, known: &[Key]) -> Result<(serde_json::Value, Vec<u8>)> {
        let known = known.iter().map(|key| key.0.cred_id().clone()).collect();
        let (challenge, state) = self.0.start_passkey_registration(handle, name, shown, Some(known))?;
        let mut options = serde_json::to_value(challenge.public_key)?;
        // One that must be named to be used is no use: the first page knows nobody.
        options["authenticatorSelection"]["residentKey"] = "required".into();
        options["authenticatorSelection"]["requireResidentKey"] = true.into();
        Ok((options, serde_json::to_vec(&state)?))
    }

    /// What the browser made; `None` if it does not fit `state`, or cannot be found again.
    pub fn accept(&self, answer: &Attestation, state: &[u8]) -> Result<Option<Key>> {
        let state: PasskeyRegistration = serde_json::from_slice(state)?;
        // Where the browser says whether it can be found again, it must.
        let found_again = answer.0.extensions.cred_props.as_ref().and_then(|props| props.rk) != Some(false);
        match self.0.finish_passkey_registration(&answer.0, &state) {
            Ok(passkey) => Ok(found_again.then_some(Key(passkey))),
            Err(error) => {
                tracing::info!(error = %error, "a passkey was not registered");
                Ok(None)
            }
        }
    }

    /// Whether `key` signed what [`Self::challenge`] gave to keep; `key` is then to be kept anew.
    pub fn check(&self, answer: &Assertion, state: &[u8], key: &mut Key) -> Result<Seen> {
        let state: DiscoverableAuthentication = serde_json::from_slice(state)?;
        match self.0.finish_discoverable_authentication_v2(&answer.0, state, &key.0) {
            Ok(result) => {
                key.0.update_credential(&result);
                Ok(if result.user_verified() { Seen::Verified } else { Seen::Present })
            }
            Err(WebauthnError::CredentialPossibleCompromise) => Ok(Seen::Cloned),
            Err(error) => {
                tracing::info!(error = %error, "a passkey's answer was not taken");
                Ok(Seen::Nothing)
            }
        }
    }
}

/// A passkey's public half and its counter, as they are kept.
pub struct Key(Passkey);

impl Key {
    pub fn of(bytes: &[u8]) -> Result<Self> {
        Ok(Self(serde_json::from_slice(bytes)?))
    }

    /// To be kept, encrypted.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&self.0)?)
    }

    /// Its id.
    pub fn credential(&self) -> &[u8] {
        self.0.cred_id()
    }
}

/// What an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Nothing,
    /// The key is there, and nobody knows who holds it.
    Present,
    /// It has verified who holds it.
    Verified,
    /// Its counter went backwards: there is a second copy of it.
    Cloned,
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
        self.names(rp).map(|(handle, _)| handle)
    }

    /// The same, and the passkey's id.
    pub fn names(&self, rp: &RelyingParty) -> Option<(Uuid, Vec<u8>)> {
        rp.0.identify_discoverable_authentication(&self.0).ok().map(|(handle, credential)| (handle, credential.to_vec()))
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
    let known = rows.iter().map(|row| open(scope, row.authenticator_id, &row.secret)).collect::<Result<Vec<_>>>()?;
    let name = if user.display_name.is_empty() { &user.sign_in_name } else { &user.display_name };
    let (options, state) = rp.offer(user.user_id, &user.sign_in_name, name, &known)?;
    registrations::keep(conn, scope, clock, registrar, Kind::Passkey, &state).await?;
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
    let Some(key) = rp.accept(answer, &state)? else { return Ok(Registered::Wrong) };
    let authenticator_id = id::time_ordered(clock);
    let new = New {
        authenticator_id,
        user: registrar.user,
        kind: Kind::Passkey,
        label,
        secret: Some(scope.key().encrypt(&place(authenticator_id), &key.to_bytes()?)),
        credential: Some(index(scope, key.credential())),
        last_step: None,
        cooling_off,
    };
    Ok(add(conn, scope, clock, source, new).await?.registered(authenticator_id))
}

fn open(scope: &Scope, authenticator: Uuid, secret: &[u8]) -> Result<Key> {
    Key::of(&scope.key().decrypt(&place(authenticator), secret)?)
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
    let Some((handle, credential)) = answer.names(rp) else { return Ok(Tried::Wrong) };
    let row = sqlx::query!(
        r#"select authenticator_id, secret as "secret!" from authenticators
           where tenant_id = $1 and user_id = $2 and kind = 'passkey' and credential = $3 and usable_from <= $4 and stopped_at is null for update"#,
        scope.id(),
        user.unwrap_or_default(),
        index(scope, &credential),
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row.filter(|_| user == Some(handle)) else { return Ok(Tried::Wrong) };
    let mut key = open(scope, row.authenticator_id, &row.secret)?;
    match rp.check(answer, state, &mut key)? {
        Seen::Cloned => {
            stop(conn, scope, clock, source, handle, row.authenticator_id).await?;
            Ok(Tried::Cloned)
        }
        Seen::Nothing => Ok(Tried::Wrong),
        seen @ (Seen::Present | Seen::Verified) => {
            sqlx::query!(
                "update authenticators set secret = $3, last_used_at = $4 where tenant_id = $1 and authenticator_id = $2",
                scope.id(),
                row.authenticator_id,
                scope.key().encrypt(&place(row.authenticator_id), &key.to_bytes()?),
                clock.now(),
            )
            .execute(conn)
            .await?;
            Ok(if seen == Seen::Verified { Tried::Right } else { Tried::Wrong })
        }
    }
}
