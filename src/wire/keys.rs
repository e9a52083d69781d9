//! Keys that agents own: the identity key (Ed25519) and the statements by which it vouches for a sealing key.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    PROTOCOL, b64,
    seal::{PUBLIC_KEY_LEN, SUITE},
    sha256, unb64,
};

/// Bytes of an Ed25519 public key.
pub const IDENTITY_LEN: usize = 32;
/// The longest an agent may let a sealing key live, in seconds.
pub const EPOCH_MAX: i64 = 24 * 3600;

/// An agent's word that a sealing key is its own, for one connector and for a while. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub agent: Uuid,
    pub connector: Uuid,
    pub suite: String,
    /// base64url of the HPKE public key.
    pub key: String,
    /// Rises with each new key of this agent.
    pub epoch: i64,
    pub not_before: i64,
    pub not_after: i64,
}

/// A statement and the identity key's Ed25519 signature (base64url) over [`Statement::canonical`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    pub statement: Statement,
    pub signature: String,
}

impl Statement {
    /// The bytes that are signed: the label, then one `name=value` line per field, each ended by LF.
    pub fn canonical(&self) -> Vec<u8> {
        format!(
            "{PROTOCOL} sealing-key\nagent={}\nconnector={}\nsuite={}\nkey={}\nepoch={}\nnot_before={}\nnot_after={}\n",
            self.agent, self.connector, self.suite, self.key, self.epoch, self.not_before, self.not_after,
        )
        .into_bytes()
    }

    /// base64url SHA-256 of the public key. `None` when the key is not one of this suite.
    pub fn key_id(&self) -> Option<String> {
        let key = unb64(&self.key).filter(|key| key.len() == PUBLIC_KEY_LEN)?;
        Some(b64(&sha256(&key)))
    }

    /// Whether the fields make sense together: known suite, right length, an epoch of at most [`EPOCH_MAX`].
    pub fn is_well_formed(&self) -> bool {
        self.suite == SUITE
            && self.key_id().is_some()
            && self.epoch > 0
            && self.not_before < self.not_after
            && self.not_after.checked_sub(self.not_before).is_some_and(|lives| lives <= EPOCH_MAX)
    }
}

impl Signed {
    /// Well-formed, and signed by `identity` (32 raw bytes). Says nothing of the time.
    pub fn is_signed_by(&self, identity: &[u8]) -> bool {
        let Some(signature) = unb64(&self.signature) else { return false };
        self.statement.is_well_formed()
            && UnparsedPublicKey::new(&ED25519, identity).verify(&self.statement.canonical(), &signature).is_ok()
    }
}

/// An agent's word, signed by a new identity key, that this key takes the place of the one it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    pub agent: Uuid,
    /// [`thumbprint`] of the key that is replaced.
    pub replaces: String,
    /// base64url of the new public key.
    pub identity: String,
}

impl Succession {
    pub fn of(agent: Uuid, old: &[u8], new: &[u8]) -> Self {
        Self { agent, replaces: thumbprint(old), identity: b64(new) }
    }

    /// The bytes that are signed: the label, then one `name=value` line per field, each ended by LF.
    pub fn canonical(&self) -> Vec<u8> {
        format!("{PROTOCOL} identity\nagent={}\nreplaces={}\nidentity={}\n", self.agent, self.replaces, self.identity).into_bytes()
    }

    /// Whether `signature` (base64url Ed25519) is the new key's own.
    pub fn is_signed(&self, signature: &str) -> bool {
        let (Some(key), Some(signature)) = (unb64(&self.identity), unb64(signature)) else { return false };
        key.len() == IDENTITY_LEN && UnparsedPublicKey::new(&ED25519, key).verify(&self.canonical(), &signature).is_ok()
    }
}

/// An agent's identity: signs tokens, proofs, statements and results.
pub struct Identity {
    pair: Ed25519KeyPair,
    pkcs8: zeroize::Zeroizing<Vec<u8>>,
}

impl Identity {
    pub fn generate() -> Self {
        let pair = Ed25519KeyPair::generate().expect("the system's randomness is there");
        let pkcs8 = pair.to_pkcs8v1().expect("a fresh key has an encoding");
        Self { pkcs8: zeroize::Zeroizing::new(pkcs8.as_ref().to_vec()), pair }
    }

    /// From PKCS#8 DER, as [`Self::pkcs8`] gave it. `None` when it is no Ed25519 key.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
        Some(Self { pair, pkcs8: zeroize::Zeroizing::new(der.to_vec()) })
    }

    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// 32 raw bytes.
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// base64url signature by this key, the new one.
    pub fn succeed(&self, succession: &Succession) -> String {
        b64(self.pair.sign(&succession.canonical()).as_ref())
    }

    pub fn sign(&self, statement: Statement) -> Signed {
        let signature = b64(self.pair.sign(&statement.canonical()).as_ref());
        Signed { statement, signature }
    }
}

/// RFC 7638 thumbprint of an Ed25519 public key (RFC 8037 members): `cnf.jkt` of tokens.
pub fn thumbprint(identity: &[u8]) -> String {
    b64(&sha256(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(identity)).as_bytes()))
}

/// What two people compare when an agent is confirmed: 80 bits of the key's SHA-256 in four groups of four letters of base32.
pub fn fingerprint(identity: &[u8]) -> String {
    let text = data_encoding::BASE32_NOPAD.encode(&sha256(identity)[..10]);
    text.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap_or_default()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_succession_is_signed_by_the_new_key_for_one_agent_and_one_old_key() {
        let (old, new, other) = (Identity::generate(), Identity::generate(), Identity::generate());
        let said = Succession::of(Uuid::from_u128(1), old.public(), new.public());
        assert_eq!(
            String::from_utf8(said.canonical()).unwrap(),
            format!(
                "sspr/1 identity\nagent=00000000-0000-0000-0000-000000000001\nreplaces={}\nidentity={}\n",
                thumbprint(old.public()),
                b64(new.public())
            )
        );
        let signature = new.succeed(&said);
        assert!(said.is_signed(&signature));
        assert!(!said.is_signed(&other.succeed(&said)) && !said.is_signed(&old.succeed(&said)));
        assert!(!Succession { agent: Uuid::from_u128(2), ..said.clone() }.is_signed(&signature));
        assert!(!Succession { replaces: thumbprint(other.public()), ..said.clone() }.is_signed(&signature));
        assert!(!Succession { identity: b64(&[1; 31]), ..said }.is_signed(&signature));
    }
}
