//! The cloud's own key for access tokens: made once, shared by all nodes through the database, wrapped by the key ring.

use anyhow::{Context, Result};
use sqlx::PgConnection;

use crate::{
    base::{clock::Clock, id, secret::KeyRing},
    wire::{b64, keys::Identity},
};

/// Signs and verifies access tokens.
pub struct SigningKey {
    /// base64url of 12 random bytes.
    pub kid: String,
    pub identity: Identity,
}

const OWNER: &[u8] = b"cloud signing key";

/// The newest key; makes the first one. Under the lock of a table nobody else writes, so that two nodes agree.
pub async fn current_signing_key(conn: &mut PgConnection, ring: &KeyRing, clock: &Clock) -> Result<SigningKey> {
    sqlx::query!("lock table signing_keys in share row exclusive mode").execute(&mut *conn).await?;
    let newest = sqlx::query_scalar!("select kid from signing_keys order by created_at desc limit 1").fetch_optional(&mut *conn).await?;
    if let Some(kid) = newest {
        return signing_key(conn, ring, &kid).await?.context("the signing key vanished");
    }
    let (identity, kid) = (Identity::generate(), b64(&id::random_bytes::<12>()));
    // The data key wraps the private half, the ring wraps the data key: one format for all wrapped secrets.
    let (key, mut wrapped) = ring.new_data_key(OWNER);
    wrapped.extend(key.encrypt(kid.as_bytes(), identity.pkcs8()));
    sqlx::query!(
        "insert into signing_keys (kid, private, public, created_at) values ($1, $2, $3, $4)",
        kid,
        wrapped,
        identity.public(),
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(SigningKey { kid, identity })
}

/// The key of that id: one of the two that live while keys change.
pub async fn signing_key(conn: &mut PgConnection, ring: &KeyRing, kid: &str) -> Result<Option<SigningKey>> {
    /// nonce + 32 bytes + tag
    const WRAPPED_KEY: usize = 12 + 32 + 16;
    let Some(wrapped) = sqlx::query_scalar!("select private from signing_keys where kid = $1", kid).fetch_optional(conn).await? else {
        return Ok(None);
    };
    let (key, private) = wrapped.split_at_checked(WRAPPED_KEY).context("a signing key is cut short")?;
    let der = ring.unwrap(OWNER, key)?.decrypt(kid.as_bytes(), private)?;
    let identity = Identity::from_pkcs8(&der).context("a signing key is no Ed25519 key")?;
    Ok(Some(SigningKey { kid: kid.to_owned(), identity }))
}
