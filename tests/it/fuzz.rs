//! The fuzz targets on stable: their corpora, and mutations of them that are the same in every run. `cargo fuzz` goes further.

use std::{fs, panic, path::Path};

#[path = "../../fuzz/targets.rs"]
mod targets;

/// Mutations per target; slow ones get their share.
const ROUNDS: usize = 20_000;

#[test]
fn no_input_breaks_what_reads_it() {
    let mut broken = Vec::new();
    for (name, target, slowness) in targets::ALL {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "fuzz/corpus/{name} is empty");
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mutated = (0..ROUNDS / slowness).map(|_| mutate(&corpus, &mut dice)).collect::<Vec<_>>();
        for input in corpus.iter().chain(&mutated) {
            if panic::catch_unwind(|| target(input)).is_err() {
                broken.push(format!("{name}: {}", input.escape_ascii()));
                break;
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// xorshift64*: the same throws in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let thrown = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(thrown).unwrap_or(0) % sides.max(1)
    }
}

/// What parsers stumble over.
const MORSELS: [&str; 22] = [
    "\0",
    "\\",
    "\\\\",
    ",",
    "=",
    "+",
    "&",
    "%00",
    "%ff",
    "\n",
    " ",
    "\u{a0}",
    "\u{3000}",
    "\u{202e}",
    "ß",
    "İ",
    "null",
    "{}",
    "[",
    "-9223372036854775808",
    "9223372036854775807",
    "1e999",
];

/// One input, changed in one to four places, now and then crossed with another.
fn mutate(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        let end = (at + 1 + dice.below(8)).min(input.len());
        match dice.below(7) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 if at < input.len() => input[at] = u8::try_from(dice.below(256)).unwrap_or(0),
            2 => drop(input.drain(at.min(end)..end)),
            3 => drop(input.splice(at..at, MORSELS[dice.below(MORSELS.len())].bytes())),
            4 => drop(input.splice(at.min(end)..end, MORSELS[dice.below(MORSELS.len())].bytes())),
            5 => {
                let repeated = input[at.min(end)..end].to_vec();
                input.splice(at..at, repeated);
            }
            6 => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
            _ => {}
        }
    }
    input
}
