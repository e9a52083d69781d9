//! Ids and tokens: which kind a thing gets, and where its randomness comes from.

use aws_lc_rs::rand;
use uuid::Uuid;

use super::clock::Clock;

/// A time-ordered id (UUID v7): rows and jobs. Not a secret: it can be guessed from the time.
pub fn time_ordered(clock: &Clock) -> Uuid {
    let now = clock.now();
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.nanosecond()))
}

/// The lowest time-ordered id of that millisecond: for ranges of ids that are ranges of time.
pub fn lowest_at(at: time::OffsetDateTime) -> Uuid {
    let millis = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

/// A random id (UUID v4): leases, passes, request ids.
#[expect(clippy::disallowed_methods, reason = "the one place that makes them")]
pub fn random() -> Uuid {
    Uuid::new_v4()
}

/// `N` bytes that nobody can guess.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's randomness is there");
    bytes
}

/// A secret of 256 bits as base64url text: cookies, one-time tokens. Stored only as its SHA-256.
pub fn token() -> String {
    data_encoding::BASE64URL_NOPAD.encode(&random_bytes::<32>())
}

/// A uniform six-digit code, by rejection rather than modulo.
pub fn six_digits() -> String {
    loop {
        let n = u32::from_be_bytes(random_bytes::<4>());
        if n < u32::MAX - u32::MAX % 1_000_000 {
            return format!("{:06}", n % 1_000_000);
        }
    }
}

/// Constant-time equality.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256, for looking up what is stored hashed.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}
