//! Hubs and widgets as plain text, for terminals: `curl -H 'Accept: text/plain' …`.

use crate::hub::Hub;
use crate::render::{plain, refresh_ages, series};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::fmt::Write as _;

/// People whose names are told.
const NAMED: usize = 7;

/// A hub: its name, summary and people, then its widgets one below the other.
pub(super) fn hub(hub: &Hub, cards: &[String], now: Timestamp) -> Response {
    let mut text = headed(hub.name.as_str(), '=');
    if !hub.summary.is_empty() {
        let _ = writeln!(text, "{}", hub.summary);
    }
    let mut people: Vec<String> =
        hub.owners.iter().chain(&hub.members).take(NAMED).cloned().collect();
    let others = (hub.owners.len() + hub.members.len()).saturating_sub(NAMED);
    if others > 0 {
        people.push(format!("{others} more"));
    }
    if !people.is_empty() {
        let _ = writeln!(text, "{}", series(&people));
    }
    for card in cards.iter().filter_map(|card| of_card(card, now)) {
        text.push('\n');
        text.push_str(&card);
    }
    answer(&text)
}

/// One widget.
pub(super) fn widget(card: &str, now: Timestamp) -> Response {
    answer(of_card(card, now).as_deref().unwrap_or("Nothing to show now.\n"))
}

/// A card's title, underlined, and what is in it. `None` while it is hidden.
fn of_card(card: &str, now: Timestamp) -> Option<String> {
    let (opening, _) = card.split_once('>')?;
    if opening.ends_with(" hidden") {
        return None;
    }
    let (head, body) = card.split_once("</header>")?;
    let mut text = headed(plain(head).trim(), '-');
    text.push_str(plain(&refresh_ages(body, now)).trim());
    text.push('\n');
    Some(text)
}

fn headed(title: &str, line: char) -> String {
    format!("{title}\n{}\n", line.to_string().repeat(title.chars().count()))
}

fn answer(text: &str) -> Response {
    // A terminal would obey what a message or a script wrote into it.
    let text: String =
        text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect();
    let mut response = text.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("accept, sec-fetch-dest, cookie"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_reads_from_its_title_to_its_foot() {
        let card = "<article class=\"card\"><header class=\"card-head\"><h2>Stats</h2><details class=\"menu\"><summary>More</summary>\
            <ul><li><a href=\"/x\">Why</a></li></ul></details></header><div class=\"card-body\"><p>6 members</p></div>\
            <footer><span><time data-ago datetime=\"2026-05-05T12:00:00Z\">x</time></span></footer></article>";
        let now = "2026-05-05T14:00:00Z".parse().unwrap();
        insta::assert_snapshot!(of_card(card, now).unwrap(), @r"
        Stats
        -----
        6 members

        2 h ago
        ");
        assert_eq!(of_card("<article class=\"card\" hidden><header></header>x", now), None);
    }
}
