//! Bodies that are no text, as cassettes write them: base64 with its usual letters and padding.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for letter in 0..4 {
            let sextet = (bits >> (18 - 6 * letter)) & 63;
            text.push(if letter <= three.len() { LETTERS[sextet as usize].into() } else { '=' });
        }
    }
    text
}

/// Nothing where the text is no base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let groups = text.len() / 4;
    for (number, four) in text.chunks(4).enumerate() {
        let padding = four.iter().rev().take_while(|letter| **letter == b'=').count();
        if padding > 2 || padding > 0 && number + 1 < groups {
            return None;
        }
        let mut bits = 0;
        for letter in &four[..4 - padding] {
            let sextet = LETTERS.iter().position(|known| known == letter)?;
            bits = bits << 6 | u32::try_from(sextet).ok()?;
        }
        bits <<= 6 * padding;
        bytes.extend(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"M", "TQ=="),
            (b"Ma", "TWE="),
            (b"Man", "TWFu"),
            (b"\xff\xfe\x00\x01", "//4AAQ=="),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).unwrap(), bytes);
        }
        for nonsense in ["A", "A===", "TQ==TWFu", "T?==", "=AAA"] {
            assert_eq!(decode(nonsense), None, "{nonsense}");
        }
    }
}
