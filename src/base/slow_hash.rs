//! A hash that is slow on purpose (Argon2id), and a cap on how many are computed at once: each takes 19 MiB and tens of milliseconds,
//! so whoever asks for thousands must not get the machine.

use std::sync::Arc;

use anyhow::{Context, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's first choice of parameters: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// One per process.
#[derive(Clone)]
pub struct SlowHash {
    room: Arc<Semaphore>,
}

impl SlowHash {
    /// At most so many at once.
    pub fn new(at_once: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(at_once)) }
    }

    /// Of each secret with its salt, 32 bytes, one after another in one task. `None`: no room just now.
    pub async fn of(&self, secrets: Vec<(Zeroizing<Vec<u8>>, [u8; 16])>) -> Result<Option<Vec<[u8; 32]>>> {
        let Ok(permit) = self.room.clone().try_acquire_owned() else { return Ok(None) };
        let hashes = tokio::task::spawn_blocking(move || {
            // Ends with the work, not with the request: whoever hangs up early frees no room.
            let _permit = permit;
            let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash = |(secret, salt): &(Zeroizing<Vec<u8>>, [u8; 16])| {
                let mut out = [0; 32];
                argon2.hash_password_into(secret, salt, &mut out).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
                Ok(out)
            };
            secrets.iter().map(hash).collect::<Result<Vec<_>>>()
        });
        hashes.await.context("a slow hash was cut off")?.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_hangs_up_frees_no_room() {
        let slow = SlowHash::new(1);
        let secrets = || vec![(Zeroizing::new(b"secret".to_vec()), [1; 16]); 4];
        // The request is gone at once; what it began goes on.
        let cut = tokio::time::timeout(std::time::Duration::from_micros(1), slow.of(secrets())).await;
        assert!(cut.is_err());
        assert!(slow.of(secrets()).await.unwrap().is_none(), "full");
        let hashes = loop {
            if let Some(hashes) = slow.of(secrets()).await.unwrap() {
                break hashes;
            }
            tokio::task::yield_now().await;
        };
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
        let other = slow.of(vec![(Zeroizing::new(b"secret".to_vec()), [2; 16])]).await.unwrap().unwrap();
        assert_ne!(other[0], hashes[0]);
    }
}
