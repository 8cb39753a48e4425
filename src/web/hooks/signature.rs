//! `X-Hub-Signature-256`: HMAC with SHA-256 (RFC 2104) over a body, as it came.

use super::Refused;
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const HEADER: &str = "x-hub-signature-256";
const BLOCK_BYTES: usize = 64;

type Signature = [u8; 32];

/// The signature that a request brings.
pub(super) fn given(headers: &HeaderMap) -> Result<Signature, Refused> {
    let value = headers.get(HEADER).ok_or(Refused::NoSignature)?;
    let hex = value.to_str().ok().and_then(|text| text.strip_prefix("sha256="));
    hex.and_then(from_hex).ok_or(Refused::NoSignatureAtAll)
}

/// Takes as long whichever byte is wrong: nobody finds a signature by its answer's time.
pub(super) fn fits(secret: &[u8], body: &[u8], given: &Signature) -> bool {
    hmac(secret, body).ct_eq(given).into()
}

pub(super) fn hmac(secret: &[u8], body: &[u8]) -> Signature {
    let mut key = [0; BLOCK_BYTES];
    if secret.len() > BLOCK_BYTES {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let begun = |pad: u8| Sha256::new_with_prefix(key.map(|byte| byte ^ pad));
    let inner = begun(0x36).chain_update(body).finalize();
    begun(0x5c).chain_update(inner).finalize().into()
}

fn from_hex(text: &str) -> Option<Signature> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |b, d| b << 4 | d)).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

/// As a header has it.
#[cfg(test)]
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .filter_map(|d| char::from_digit(d.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_githubs_documentation_comes_out() {
        let signature = hmac(b"It's a Secret to Everybody", b"Hello, World!");
        let documented = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(hex(&signature), documented);
        assert!(fits(
            b"It's a Secret to Everybody",
            b"Hello, World!",
            &from_hex(documented).unwrap()
        ));
        assert!(!fits(b"It's a secret to Everybody", b"Hello, World!", &signature));
        assert!(!fits(b"It's a Secret to Everybody", b"Hello, World.", &signature));
    }

    #[test]
    fn the_examples_of_rfc_4231_come_out() {
        for (key, text, expected) in [
            (
                &[0x0b; 20][..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&hmac(key, text)), expected);
        }
    }

    #[test]
    fn only_a_whole_signature_is_one() {
        let check = |value: &str| {
            let headers = [(HEADER.parse().unwrap(), value.parse().unwrap())];
            given(&headers.into_iter().collect::<HeaderMap>())
        };
        let whole = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(check(&format!("sha256={whole}")).is_ok());
        for wrong in [
            whole,
            "",
            "sha256=",
            "sha1=757107ea0eb2509fc211221cce984b8a37570b6d",
            &format!("sha256={}", &whole[1..]),
            &format!("sha256={whole}00"),
            &format!("sha256=g{}", &whole[1..]),
        ] {
            assert_eq!(check(wrong), Err(Refused::NoSignatureAtAll), "{wrong}");
        }
        assert_eq!(given(&HeaderMap::new()), Err(Refused::NoSignature));
    }
}
