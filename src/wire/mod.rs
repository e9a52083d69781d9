//! What browser, cloud and agent say to one another: versioned types, canonical bytes, signatures, sealing. No I/O.
//!
//! `docs/agent-protocol.md` is the normative text; this module is the reference for it. Everything here is pure, so that both
//! ends and the tests share one truth. Start with [`ticket::Ticket::aad`] (what is bound) and [`seal`] (how it is bound).

pub mod checkup;
pub mod jws;
pub mod keys;
pub mod message;
pub mod outcome;
pub mod seal;
pub mod ticket;

/// The protocol's label and version. It opens every canonical encoding, so nothing made for another version verifies.
pub const PROTOCOL: &str = "sspr/1";

/// base64url without padding (RFC 4648 §5): the only binary encoding on the wire.
pub fn b64(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// Strict inverse of [`b64`]: no padding, no white space, no stray bits. `None` for anything else.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
