//! The NT hash of a password: MD4 (RFC 1320) of its UTF-16LE. By it the domain's password history tells whose effect is whose.

pub fn nt(password: &str) -> String {
    let bytes: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    data_encoding::HEXLOWER.encode(&md4(&bytes))
}

fn md4(message: &[u8]) -> [u8; 16] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64) + if padded.len() % 64 > 56 { 64 } else { 0 }, 0);
    let at = padded.len() - 8;
    padded[at..].copy_from_slice(&(message.len() as u64 * 8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let words: Vec<u32> = block.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for round in 0..3 {
            let (shifts, constant) = [([3, 7, 11, 19], 0), ([3, 5, 9, 13], 0x5a82_7999), ([3, 9, 11, 15], 0x6ed9_eba1)][round];
            for step in 0..16 {
                let index = match round {
                    0 => step,
                    1 => step % 4 * 4 + step / 4,
                    _ => [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15][step],
                };
                let mixed = match round {
                    0 => (b & c) | (!b & d),
                    1 => (b & c) | (b & d) | (c & d),
                    _ => b ^ c ^ d,
                };
                let sum = a.wrapping_add(mixed).wrapping_add(words[index]).wrapping_add(constant).rotate_left(shifts[step % 4]);
                (a, d, c, b) = (d, c, b, sum);
            }
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut digest = [0; 16];
    for (part, word) in digest.chunks_exact_mut(4).zip(state) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

#[test]
fn the_standards_examples_hold() {
    let hex = |text: &str| data_encoding::HEXLOWER.encode(&md4(text.as_bytes()));
    assert_eq!(hex(""), "31d6cfe0d16ae931b73c59d7e0c089c0");
    assert_eq!(hex("abc"), "a448017aaf21d8525fc10ae87aa6729d");
    let digits = "1234567890".repeat(8);
    assert_eq!(hex(&digits), "e33b4ddc9c38f2199c3e7b164fcc0536");
    assert_eq!(hex(&digits[..62]).len(), 32);
    // As any tool for Active Directory computes it.
    assert_eq!(nt("Second-Password-77"), "215c6374e8ebc208956fb44ee7e07507");
}
