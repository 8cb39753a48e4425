//! Avatars, hues and icons: pictures that are made from a name.

use super::times::escape;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use xxhash_rust::xxh3::xxh3_64;

/// Steps of the colour circle that `static/hubs.css` knows, as `hue-0` to `hue-23`.
const HUES: u64 = 24;

/// Sides of an avatar in pixels for which `static/hubs.css` has a class.
const SIDES: [u64; 8] = [20, 24, 32, 40, 64, 96, 128, 160];

/// Where a person's picture is: Libravatar, by the identity that Fedora's accounts have there.
pub fn avatar_url(username: &str, size: u64) -> String {
    let digest = Sha256::digest(format!("http://{username}.id.fedoraproject.org/"));
    format!("https://seccdn.libravatar.org/avatar/{}?s={size}&d=retro", hex::encode(digest))
}

/// The class of a name's colour: always the same for the same name.
pub(super) fn hue_class(name: &str) -> String {
    format!("hue-{}", xxh3_64(name.as_bytes()) % HUES)
}

/// A round picture with the name's initial behind it, which shows where the picture does not load.
/// `src`: a picture's address; empty for the initial alone; `None` for a person's own.
pub(super) fn avatar_element(name: &str, wanted: u64, src: Option<&str>) -> String {
    let side = SIDES.into_iter().min_by_key(|side| side.abs_diff(wanted)).unwrap_or(32);
    let initial: String = name
        .chars()
        .find(|c| c.is_alphanumeric())
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let initial = format!("data-initial=\"{}\"", escape(&initial));
    let mut html = format!("<span class=\"avatar s{side} {}\" {initial}>", hue_class(name));
    // Twice the side: screens of phones are that fine.
    let src = src.map_or_else(|| avatar_url(name, side * 2), Into::into);
    if is_picture_address(&src) {
        let _ = write!(
            html,
            "<img src=\"{}\" {initial} width=\"{side}\" height=\"{side}\" alt=\"\" loading=\"lazy\" decoding=\"async\">",
            escape(&src)
        );
    }
    html.push_str("</span>");
    html
}

/// May stand in `href`: the web, or a path of this server. Not `javascript:`, not `//elsewhere`.
pub(super) fn is_web_address(url: &str) -> bool {
    url.starts_with("https://")
        || url.starts_with("http://")
        || (url.starts_with('/') && !url[1..].starts_with(['/', '\\']))
}

/// May stand in `src`: the policy of the pages refuses pictures that come without TLS.
fn is_picture_address(url: &str) -> bool {
    is_web_address(url) && !url.starts_with("http://")
}

/// An icon of the sprite; the text beside it says what it means.
pub(super) fn icon_element(sprite: &str, name: &str) -> String {
    format!("<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{sprite}#{name}\"/></svg>")
}

/// The ids of the symbols in a sprite.
pub(super) fn symbols(sprite: &str) -> Vec<String> {
    sprite
        .split("<symbol id=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(id, _)| id.into())
        .collect()
}

/// What stands behind `?v=` in a static file's address, so that browsers may keep it for ever.
pub fn asset_version(bytes: &[u8]) -> String {
    format!("{:012x}", xxh3_64(bytes) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_picture_is_found_by_their_fedora_identity() {
        assert_eq!(
            avatar_url("ralph", 64),
            "https://seccdn.libravatar.org/avatar/9c9f7784935381befc302fe3c814f9136e7a33953d0318761669b8643f4df55c?s=64&d=retro"
        );
    }

    #[test]
    fn an_avatar_has_an_initial_and_only_a_safe_picture() {
        let html = avatar_element("\"><b>", 32, Some("javascript:alert(1)"));
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(avatar_element("ralph", 33, None).contains("class=\"avatar s32 hue-"));
        assert!(!avatar_element("i18n", 64, Some("")).contains("<img"));
        assert!(!avatar_element("i18n", 64, Some("http://a.example/x.png")).contains("<img"));
    }

    #[test]
    fn an_address_leads_to_the_web_or_stays_here() {
        for fine in ["https://a.example/", "http://a.example", "/designteam", "/"] {
            assert!(is_web_address(fine), "{fine}");
        }
        for bad in
            ["", "javascript:alert(1)", "//evil.example", "/\\evil.example", "data:,x", "a.html"]
        {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
