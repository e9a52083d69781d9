//! Ids and tokens: which kind a thing gets, and where its randomness comes from.

use aws_lc_rs::rand;
use uuid::Uuid;

use super::clock::Clock;

/// A time-ordered id (UUID v7): rows and jobs. Not a secret: it can be guessed from the time. The twelve bits behind the milliseconds
/// are their fraction (RFC 9562 §6.2, method 3), so that what follows in the same process follows in order.
pub fn time_ordered(clock: &Clock) -> Uuid {
    let nanos = u128::try_from(clock.now().unix_timestamp_nanos()).unwrap_or(0);
    let mut rest = random_bytes::<10>();
    let fraction = (nanos % 1_000_000) * 4096 / 1_000_000;
    rest[..2].copy_from_slice(&u16::try_from(fraction).unwrap_or(0).to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(nanos / 1_000_000).unwrap_or(0), &rest).into_uuid()
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

/// A uniform code of so many digits.
pub fn digits(n: usize) -> String {
    // Bytes from 250 on would make some digits likelier.
    std::iter::repeat_with(|| random_bytes::<1>()[0]).filter(|byte| *byte < 250).take(n).map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// Constant-time equality.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256, for looking up what is stored hashed.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_later_is_greater() {
        let clock = Clock::system();
        let before = time_ordered(&clock);
        std::thread::sleep(std::time::Duration::from_micros(5));
        let after = time_ordered(&clock);
        assert!(before < after && before.get_version_num() == 7 && lowest_at(clock.now() - time::Duration::SECOND) < before);
    }
}
