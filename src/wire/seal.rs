//! Sealing: HPKE (RFC 9180) base mode with X-Wing (ML-KEM-768 + X25519), HKDF-SHA256 and AES-256-GCM.
//!
//! The browser seals (`static/js/seal.js`), the agent opens; [`seal`] exists for other clients and for tests. The cloud has no
//! use for either and never calls them: `tests/it/architecture.rs` holds it to that.

use aws_lc_rs::rand;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{PROTOCOL, b64, sha256, ticket::Ticket, unb64};

/// The one suite of this protocol version: KEM 0x647A, KDF 0x0001, AEAD 0x0002.
pub const SUITE: &str = "xwing-hkdfsha256-aes256gcm";
/// Bytes of an X-Wing public key.
pub const PUBLIC_KEY_LEN: usize = 1216;
/// Bytes of HPKE's `enc`.
pub const ENC_LEN: usize = 1120;
/// Every plaintext is padded to this, so that a length says nothing.
pub const PLAINTEXT_LEN: usize = 1600;
/// The plaintext and the AEAD's tag.
pub const CT_LEN: usize = PLAINTEXT_LEN + 16;
/// UTF-16 code units that Active Directory takes at most for `unicodePwd`. A UTF-16 unit is at most three bytes of UTF-8, so
/// two secrets and their lengths always fit [`PLAINTEXT_LEN`].
pub const PASSWORD_MAX_UTF16: usize = 256;

/// HPKE `info`: the label and version of the protocol.
fn info() -> Vec<u8> {
    format!("{PROTOCOL} seal").into_bytes()
}

/// One password, sealed to one key. Both strings are base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Id of the key it is sealed to ([`super::keys::Statement::key_id`]).
    pub key: String,
    pub enc: String,
    pub ct: String,
}

impl Envelope {
    /// Whether it has the one shape an envelope can have. All the cloud can and need check.
    pub fn is_well_formed(&self) -> bool {
        let len = |text: &str| unb64(text).map(|bytes| bytes.len());
        len(&self.key) == Some(32) && len(&self.enc) == Some(ENC_LEN) && len(&self.ct) == Some(CT_LEN)
    }

    /// base64url SHA-256 of `enc ‖ ct`: which ciphertext a result speaks of. `None` when malformed.
    pub fn hash(&self) -> Option<String> {
        let mut bytes = unb64(&self.enc)?;
        bytes.extend(unb64(&self.ct)?);
        Some(b64(&sha256(&bytes)))
    }
}

/// The secrets of a job, as the directory shall get them: never normalised.
pub struct Secrets {
    pub new: Zeroizing<String>,
    /// Empty but for changes.
    pub old: Zeroizing<String>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Broken {
    #[error("the envelope is malformed")]
    Malformed,
    /// Wrong key, or ciphertext or ticket changed on the way. HPKE cannot tell which.
    #[error("the envelope does not open for this ticket")]
    DoesNotOpen,
    #[error("the plaintext is not in the padded form")]
    BadPlaintext,
    #[error("the password has more than {PASSWORD_MAX_UTF16} UTF-16 units")]
    TooLong,
}

/// An HPKE key pair. The private half is X-Wing's 32-byte seed and is wiped when dropped.
pub struct KeyPair {
    pub private: Zeroizing<[u8; 32]>,
    pub public: Vec<u8>,
}

impl KeyPair {
    pub fn generate() -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(seed.as_mut()).expect("the system's randomness is there");
        Self::from_seed(seed)
    }

    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        let private = <XWing as Kem>::PrivateKey::from_bytes(seed.as_ref()).expect("an X-Wing seed is any 32 bytes");
        let public = XWing::sk_to_pk(&private).to_bytes().to_vec();
        Self { private: seed, public }
    }
}

/// `len(new) ‖ new ‖ len(old) ‖ old ‖ zeros`; lengths are two bytes, big-endian; text is UTF-8.
fn pad(secrets: &Secrets) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let mut out = Zeroizing::new(Vec::with_capacity(PLAINTEXT_LEN));
    for secret in [&secrets.new, &secrets.old] {
        if secret.encode_utf16().count() > PASSWORD_MAX_UTF16 {
            return Err(Broken::TooLong);
        }
        let len = u16::try_from(secret.len()).map_err(|_| Broken::TooLong)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(secret.as_bytes());
    }
    out.resize(PLAINTEXT_LEN, 0);
    Ok(out)
}

/// The strict inverse of [`pad`]: exact length, valid UTF-8, nothing but zeros behind.
pub fn unpad(plaintext: &[u8]) -> Result<Secrets, Broken> {
    fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
        let (len, tail) = rest.split_first_chunk::<2>()?;
        let (text, tail) = tail.split_at_checked(u16::from_be_bytes(*len).into())?;
        *rest = tail;
        std::str::from_utf8(text).ok()
    }
    let mut rest = plaintext;
    let (Some(new), Some(old)) = (take(&mut rest), take(&mut rest)) else { return Err(Broken::BadPlaintext) };
    if plaintext.len() != PLAINTEXT_LEN || rest.iter().any(|&byte| byte != 0) {
        return Err(Broken::BadPlaintext);
    }
    if [new, old].iter().any(|text| text.encode_utf16().count() > PASSWORD_MAX_UTF16) {
        return Err(Broken::TooLong);
    }
    Ok(Secrets { new: Zeroizing::new(new.to_owned()), old: Zeroizing::new(old.to_owned()) })
}

/// Seal `secrets` to `public` for `ticket`; `key` is the id of `public`.
pub fn seal(secrets: &Secrets, ticket: &Ticket, key: &str, public: &[u8]) -> Result<Envelope, Broken> {
    let public = <XWing as Kem>::PublicKey::from_bytes(public).map_err(|_| Broken::Malformed)?;
    let (enc, ct) =
        hpke::single_shot_seal::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, &public, &info(), &pad(secrets)?, &ticket.aad(key))
            .map_err(|_| Broken::Malformed)?;
    Ok(Envelope { key: key.to_owned(), enc: b64(&enc.to_bytes()), ct: b64(&ct) })
}

/// Open `envelope`, which must have been sealed for exactly this `ticket` and this key.
pub fn open(envelope: &Envelope, ticket: &Ticket, private: &[u8; 32]) -> Result<Secrets, Broken> {
    if !envelope.is_well_formed() {
        return Err(Broken::Malformed);
    }
    let (enc, ct) = (unb64(&envelope.enc).ok_or(Broken::Malformed)?, unb64(&envelope.ct).ok_or(Broken::Malformed)?);
    let private = <XWing as Kem>::PrivateKey::from_bytes(private).map_err(|_| Broken::Malformed)?;
    let enc = <XWing as Kem>::EncappedKey::from_bytes(&enc).map_err(|_| Broken::Malformed)?;
    let plaintext =
        hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, &private, &enc, &info(), &ct, &ticket.aad(&envelope.key))
            .map(Zeroizing::new)
            .map_err(|_| Broken::DoesNotOpen)?;
    unpad(&plaintext)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::wire::ticket::Kind;

    fn ticket() -> Ticket {
        let id = |n: u128| Uuid::from_u128(n);
        Ticket { job: id(1), seq: 7, tenant: id(2), connector: id(3), user: id(4), kind: Kind::Reset, issued_at: 100, expires_at: 220 }
    }

    fn secrets(new: &str) -> Secrets {
        Secrets { new: Zeroizing::new(new.to_owned()), old: Zeroizing::default() }
    }

    #[test]
    fn opens_only_for_the_very_ticket_and_key() {
        let (pair, key) = (KeyPair::generate(), b64(&[9; 32]));
        let envelope = seal(&secrets("Pä$$w0rd ✓ 🗝"), &ticket(), &key, &pair.public).unwrap();
        assert_eq!(&*open(&envelope, &ticket(), &pair.private).unwrap().new, "Pä$$w0rd ✓ 🗝");

        let changed: [fn(&mut Ticket); 7] = [
            |t| t.job = Uuid::nil(),
            |t| t.seq += 1,
            |t| t.tenant = Uuid::nil(),
            |t| t.connector = Uuid::nil(),
            |t| t.user = Uuid::nil(),
            |t| t.issued_at += 1,
            |t| t.expires_at += 1,
        ];
        for change in changed {
            let mut other = ticket();
            change(&mut other);
            assert_eq!(open(&envelope, &other, &pair.private).err(), Some(Broken::DoesNotOpen));
        }
        let renamed = Envelope { key: b64(&[8; 32]), ..envelope.clone() };
        assert_eq!(open(&renamed, &ticket(), &pair.private).err(), Some(Broken::DoesNotOpen));
        assert_eq!(open(&envelope, &ticket(), &KeyPair::generate().private).err(), Some(Broken::DoesNotOpen));
        let fields: [fn(&mut Envelope) -> &mut String; 2] = [|e| &mut e.enc, |e| &mut e.ct];
        for field in fields {
            let mut torn = envelope.clone();
            let mut bytes = unb64(field(&mut torn)).unwrap();
            bytes[40] ^= 1;
            *field(&mut torn) = b64(&bytes);
            assert!(open(&torn, &ticket(), &pair.private).is_err());
        }
    }

    #[test]
    fn length_of_the_password_does_not_show() {
        let (pair, key) = (KeyPair::generate(), b64(&[9; 32]));
        let longest = "\u{20ac}".repeat(PASSWORD_MAX_UTF16);
        for password in ["", "x", longest.as_str()] {
            let envelope = seal(&secrets(password), &ticket(), &key, &pair.public).unwrap();
            assert!(envelope.is_well_formed());
            assert_eq!(&*open(&envelope, &ticket(), &pair.private).unwrap().new, password);
        }
        assert_eq!(seal(&secrets(&format!("{longest}x")), &ticket(), &key, &pair.public), Err(Broken::TooLong));
    }

    proptest! {
        #[test]
        fn unpad_never_panics_and_only_takes_what_pad_made(bytes in proptest::collection::vec(any::<u8>(), 0..40), cut in 0usize..=PLAINTEXT_LEN) {
            let mut full = bytes;
            full.resize(cut.max(full.len()), 0);
            if let Ok(secrets) = unpad(&full) {
                let again = pad(&secrets).unwrap();
                prop_assert_eq!(&*again, &full);
            }
        }
    }
}
