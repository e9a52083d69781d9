//! Secrets at rest: the key ring from the settings, and the per-tenant data keys it wraps.
//!
//! Contact addresses and messages lie encrypted in the database (AES-256-GCM, random nonce, the place as associated data), codes as
//! keyed hashes. Whoever has the database without the ring has neither.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::id;

/// The deployment's master key: 32 bytes, base64 in the setting `keys.master`.
pub struct KeyRing {
    master: Zeroizing<[u8; 32]>,
}

impl KeyRing {
    /// `text` is the base64 (either alphabet, padding optional) of exactly 32 bytes.
    pub fn parse(text: &SecretString) -> Result<Self> {
        let normal: Zeroizing<String> =
            Zeroizing::new(text.expose_secret().trim().trim_end_matches('=').replace('+', "-").replace('/', "_"));
        if normal.is_empty() {
            return Err(anyhow!("keys.master is not set: make one with `openssl rand -base64 32`, and keep it"));
        }
        let bytes = Zeroizing::new(
            data_encoding::BASE64URL_NOPAD
                .decode(normal.as_bytes())
                .map_err(|_| anyhow!("keys.master is not base64: make one with `openssl rand -base64 32`"))?,
        );
        let master = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| anyhow!("keys.master holds {} bytes instead of 32: make one with `openssl rand -base64 32`", bytes.len()))?;
        Ok(Self { master: Zeroizing::new(master) })
    }

    /// A key for one purpose, derived by HKDF-SHA256.
    fn derive(&self, purpose: &[u8]) -> DataKey {
        DataKey { bytes: expand(self.master.as_ref(), purpose) }
    }

    /// A fresh data key and its wrapped form for the database.
    pub fn new_data_key(&self, owner: &[u8]) -> (DataKey, Vec<u8>) {
        let key = DataKey { bytes: Zeroizing::new(id::random_bytes()) };
        let wrapped = self.derive(b"wrap data keys").encrypt(owner, key.bytes.as_ref());
        (key, wrapped)
    }

    /// Unwrap a data key that [`Self::new_data_key`] made for the same `owner`.
    pub fn unwrap(&self, owner: &[u8], wrapped: &[u8]) -> Result<DataKey> {
        let bytes =
            self.derive(b"wrap data keys").decrypt(owner, wrapped).context("keys.master is not the key this database was made with")?;
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| anyhow!("a wrapped data key has the wrong length"))?;
        Ok(DataKey { bytes: Zeroizing::new(bytes) })
    }
}

fn expand(secret: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    struct Len;
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let mut out = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"sspr/1")
        .extract(secret)
        .expand(&[purpose], Len)
        .and_then(|okm| okm.fill(out.as_mut()))
        .expect("32 bytes are within HKDF's reach");
    out
}

/// A tenant's data key: encrypts what must be read back, hashes what must only be compared.
#[derive(Clone)]
pub struct DataKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// `nonce ‖ ciphertext ‖ tag`; `place` (table, column, row) must be given again to read it.
    pub fn encrypt(&self, place: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, expand(self.bytes.as_ref(), b"encrypt").as_ref()).expect("32 bytes");
        let mut body = plaintext.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place), &mut body).expect("the text is short");
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut body);
        out
    }

    pub fn decrypt(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, expand(self.bytes.as_ref(), b"encrypt").as_ref()).expect("32 bytes");
        let (nonce, body) = sealed.split_at_checked(12).context("sealed text is too short")?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow!("bad nonce"))?;
        let mut body = Zeroizing::new(body.to_vec());
        let len = key.open_in_place(nonce, Aad::from(place), &mut body).map_err(|_| anyhow!("sealed text does not open"))?.len();
        body.truncate(len);
        Ok(body)
    }

    /// Text that was encrypted as UTF-8.
    pub fn decrypt_text(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<String>> {
        let bytes = self.decrypt(place, sealed)?;
        Ok(Zeroizing::new(String::from_utf8(bytes.to_vec()).map_err(|_| anyhow!("sealed text is not UTF-8"))?))
    }

    /// HMAC-SHA256 under a key of its own per `purpose`.
    pub fn hash(&self, purpose: &[u8], message: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, expand(self.bytes.as_ref(), purpose).as_ref());
        hmac::sign(&key, message).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_opens_only_in_its_place_and_with_its_ring() {
        let ring = |n| KeyRing::parse(&data_encoding::BASE64.encode(&[n; 32]).into()).unwrap();
        let (key, wrapped) = ring(1).new_data_key(b"tenant");
        let sealed = key.encrypt(b"users.mail", b"a@b.example");
        let again = ring(1).unwrap(b"tenant", &wrapped).unwrap();
        assert_eq!(again.decrypt_text(b"users.mail", &sealed).unwrap().as_str(), "a@b.example");
        assert!(again.decrypt(b"users.mobile", &sealed).is_err());
        assert!(ring(2).unwrap(b"tenant", &wrapped).is_err());
        assert!(ring(1).unwrap(b"other", &wrapped).is_err());
        assert!(KeyRing::parse(&"dG9vIHNob3J0".into()).is_err());
    }
}
