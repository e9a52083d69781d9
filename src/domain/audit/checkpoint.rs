//! Signed words about a chain: so far it goes, and so it hashes. Who notes one elsewhere can tell later whether anything up to it was
//! changed or cut off, also by somebody who owns the database and the keys.
//!
//! The key is Ed25519, derived from the tenant's data key: whoever owns the database alone cannot sign, there is no row that could be
//! lost or exchanged, and no second secret to keep. It lives as long as the data key does. A key of its own, wrapped by the data
//! key, would be as safe and no safer: who can unwrap the one can derive the other.

use std::{fmt, str::FromStr};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    chain::{self, Head},
    stored::{Hash, Hex},
};
use crate::{
    base::clock::Clock,
    domain::tenants::Scope,
    wire::{b64, unb64},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The chain went so far.
    Head,
    /// What is up to it was kept long enough; the chain begins behind it.
    Cut,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Cut => "cut",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Head, Self::Cut].into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub tenant: Uuid,
    pub kind: Kind,
    pub seq: i64,
    pub hash: Hash,
    /// Whole seconds.
    pub at: OffsetDateTime,
    pub signature: Vec<u8>,
}

/// After so many lines there is one, or after so long if there was any line.
const EVERY: i64 = 1000;
const WITHIN: Duration = Duration::MINUTE;

impl Checkpoint {
    fn new(scope: &Scope, clock: &Clock, kind: Kind, head: &Head) -> Result<Self> {
        let at = OffsetDateTime::from_unix_timestamp(clock.seconds())?;
        let mut made = Self { tenant: scope.id(), kind, seq: head.seq, hash: head.hash, at, signature: Vec::new() };
        made.signature = pair(scope)?.sign(&made.canonical()).as_ref().to_vec();
        Ok(made)
    }

    /// What is signed: the label, then one `name=value` line per field, each ended by LF.
    pub fn canonical(&self) -> Vec<u8> {
        let Self { tenant, kind, seq, hash, at, .. } = self;
        let (kind, at) = (kind.as_str(), at.unix_timestamp());
        format!("sspr/1 audit checkpoint\ntenant={tenant}\nkind={kind}\nseq={seq}\nhash={}\nat={at}\n", Hex(hash)).into_bytes()
    }

    /// Whether this tenant's key signed it.
    pub fn is_signed(&self, scope: &Scope) -> Result<bool> {
        let key = pair(scope)?;
        let key = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
        Ok(self.tenant == scope.id() && key.verify(&self.canonical(), &self.signature).is_ok())
    }
}

/// base64url: for whoever checks checkpoints elsewhere.
pub fn public_key(scope: &Scope) -> Result<String> {
    Ok(b64(pair(scope)?.public_key().as_ref()))
}

fn pair(scope: &Scope) -> Result<Ed25519KeyPair> {
    let seed = zeroize::Zeroizing::new(scope.key().hash(b"audit checkpoints", b"Ed25519 seed"));
    Ed25519KeyPair::from_seed_unchecked(&seed).context("32 bytes are a seed")
}

/// `sspr-audit.1.KIND.TENANT.SEQ.SECONDS.HASH.SIGNATURE`, one word, to be kept elsewhere.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, kind, seq, hash, at, signature } = self;
        write!(f, "sspr-audit.1.{}.{tenant}.{seq}.{}.{}.{}", kind.as_str(), at.unix_timestamp(), b64(hash), b64(signature))
    }
}

impl FromStr for Checkpoint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let read = || {
            let ["sspr-audit", "1", kind, tenant, seq, at, hash, signature] = parts[..] else { return None };
            Some(Self {
                tenant: tenant.parse().ok()?,
                kind: Kind::parse(kind)?,
                seq: seq.parse().ok()?,
                hash: unb64(hash)?.try_into().ok()?,
                at: OffsetDateTime::from_unix_timestamp(at.parse().ok()?).ok()?,
                signature: unb64(signature)?,
            })
        };
        read().context("that is no checkpoint: it begins with sspr-audit.1, as sspr audit checkpoint prints it")
    }
}

pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) kind: String,
    pub(super) hash: Vec<u8>,
    pub(super) at: OffsetDateTime,
    pub(super) signature: Vec<u8>,
}

impl Row {
    pub(super) fn of(self, scope: &Scope) -> Result<Checkpoint> {
        Ok(Checkpoint {
            tenant: scope.id(),
            kind: Kind::parse(&self.kind).context("a kind of checkpoint that nobody knows")?,
            seq: self.seq,
            hash: chain::hash(self.hash)?,
            at: self.at,
            signature: self.signature,
        })
    }
}

/// The newest of this kind.
pub async fn newest(conn: &mut PgConnection, scope: &Scope, kind: Kind) -> Result<Option<Checkpoint>> {
    let row = sqlx::query_as!(
        Row,
        "select seq, kind, hash, at, signature from audit_checkpoints where tenant_id = $1 and kind = $2 order by seq desc limit 1",
        scope.id(),
        kind.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.of(scope)).transpose()
}

/// Sign how far the chain goes, if a word about it is due; `now`: in any case. Answers the newest, which may be an older one. The caller holds
/// the chain's lock.
pub(super) async fn sign(conn: &mut PgConnection, scope: &Scope, clock: &Clock, now: bool) -> Result<Option<Checkpoint>> {
    let head = chain::head(&mut *conn, scope).await?;
    let last = newest(&mut *conn, scope, Kind::Head).await?;
    let is_due = |last: &Checkpoint| now || head.seq - last.seq >= EVERY || (clock.now() - last.at).abs() >= WITHIN;
    if head.seq == 0 || last.as_ref().is_some_and(|last| last.seq >= head.seq || !is_due(last)) {
        return Ok(last);
    }
    let made = Checkpoint::new(scope, clock, Kind::Head, &head)?;
    keep(conn, &made).await?;
    Ok(Some(made))
}

/// Sign that what is up to there was kept long enough.
pub(super) async fn cut(conn: &mut PgConnection, scope: &Scope, clock: &Clock, at: &Head) -> Result<()> {
    ensure!(at.seq > 0, "there is nothing to cut");
    let made = Checkpoint::new(scope, clock, Kind::Cut, at)?;
    keep(conn, &made).await
}

async fn keep(conn: &mut PgConnection, made: &Checkpoint) -> Result<()> {
    sqlx::query!(
        "insert into audit_checkpoints (tenant_id, seq, kind, hash, at, signature) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, seq, kind) do nothing",
        made.tenant,
        made.seq,
        made.kind.as_str(),
        made.hash.as_slice(),
        made.at,
        made.signature,
    )
    .execute(conn)
    .await?;
    Ok(())
}
