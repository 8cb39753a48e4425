//! The bodies of fuzz/ on messages that are spoilt at random, always the same way: a short run on any toolchain.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

/// What spoils JSON more often than a random byte.
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\ud83d",
    b"\\ude00",
    b"-0",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"\0",
    "😀".as_bytes(),
];
const ROUNDS: usize = 4_000;

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn spoil(&mut self, text: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(text.len());
        let until = (at + self.below(12)).min(text.len());
        match self.below(5) {
            0 => drop(text.drain(at..until)),
            1 => text.truncate(at),
            2 => drop(text.splice(at..until, PIECES[self.below(PIECES.len())].iter().copied())),
            3 => text.insert(at, u8::try_from(self.below(256)).unwrap()),
            _ => {
                let from = self.below(other.len());
                let piece = &other[from..(from + self.below(60)).min(other.len())];
                drop(text.splice(at..at, piece.iter().copied()));
            }
        }
    }
}

#[test]
fn spoilt_messages_are_read_or_refused_and_mean_what_is_signed() {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for folder in ["tests/recordings", "tests/signed"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "jsonl")) {
            let text = std::fs::read(file).unwrap();
            seeds.extend(text.split(|byte| *byte == b'\n').take(20).map(<[u8]>::to_vec));
        }
    }
    assert!(seeds.len() > 10, "there is something to spoil");
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..ROUNDS {
        let mut text = seeds[random.below(seeds.len())].clone();
        let other = seeds[random.below(seeds.len())].clone();
        for _ in 0..random.below(4) {
            random.spoil(&mut text, &other);
        }
        bodies::message(&text);
        bodies::canonical(&text);
    }
}
