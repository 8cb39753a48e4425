//! Exchanges with other servers kept in a file, so that tests touch no network.
//!
//! What is recorded is clean when it is kept, not only when it is written: see `redact`. A request is found again by its
//! URL, cleaned alike.

mod file;
mod tape;

pub(super) use tape::Tape;

use super::{Answer, redact};
use bytes::Bytes;
use file::File;
use reqwest::Url;
use std::{collections::BTreeMap, fs, io, path::Path};

#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    #[error("the cassette `{file}` can't be read ({why}): `--record` writes it")]
    Unread { file: String, why: io::Error },
    #[error("{file}:{line}: {what}")]
    Broken { file: String, line: usize, what: String },
    #[error("the cassette `{file}` can't be written: {why}")]
    Unwritten { file: String, why: io::Error },
}

/// Exchanges in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cassette {
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exchange {
    /// Clean.
    url: String,
    recorded: Recorded,
    used: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl Cassette {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn load(path: &Path) -> Result<Self, CassetteError> {
        let file = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(why) => Err(CassetteError::Unread { file, why }),
        }
    }

    /// From a file's text; `file` is how errors name it.
    pub fn parse(file: &str, text: &str) -> Result<Self, CassetteError> {
        let File { exchanges } = serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
            CassetteError::Broken { file: file.into(), line: error.line(), what: what.into() }
        })?;
        Ok(Self { exchanges: exchanges.into_iter().map(Into::into).collect() })
    }

    /// Writes it by URL, so that requests that were made at once always come out the same; answers to one URL stay in
    /// their order. Makes the folder where there is none.
    pub fn save(&self, path: &Path) -> Result<(), CassetteError> {
        let mut exchanges: Vec<&Exchange> = self.exchanges.iter().collect();
        exchanges.sort_by(|a, b| a.url.cmp(&b.url));
        let file = File { exchanges: exchanges.into_iter().map(Into::into).collect() };
        let write = || -> io::Result<()> {
            let mut text = serde_json::to_string_pretty(&file)?;
            text.push('\n');
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            // Beside it first: a cassette that is half written must not take the place of a whole one.
            let beside = path.with_extension("json.new");
            fs::write(&beside, text)?;
            fs::rename(&beside, path)
        };
        write().map_err(|why| CassetteError::Unwritten { file: path.display().to_string(), why })
    }

    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// URLs of exchanges that nobody asked for.
    pub fn unused(&self) -> Vec<String> {
        let unused = self.exchanges.iter().filter(|exchange| !exchange.used);
        unused.map(|exchange| exchange.url.clone()).collect()
    }

    /// The next answer to a URL; the last one again once all were given.
    fn play(&mut self, url: &str) -> Option<Answer> {
        let fits = |exchange: &Exchange| exchange.url == url;
        let next = self.exchanges.iter().position(|it| fits(it) && !it.used);
        let at = next.or_else(|| self.exchanges.iter().rposition(fits))?;
        self.exchanges[at].used = true;
        Some(self.exchanges[at].recorded.answer())
    }

    /// Keeps an answer, and gives it as it will be played. One that only repeats the last answer to its URL is not kept
    /// twice.
    fn keep(&mut self, url: &Url, answer: &Answer) -> Answer {
        let (url, recorded) = (redact::url(url), Recorded::clean(answer));
        let played = recorded.answer();
        match self.exchanges.iter_mut().rev().find(|exchange| exchange.url == url) {
            Some(last) if last.recorded == recorded => last.used = true,
            _ => self.exchanges.push(Exchange { url, recorded, used: true }),
        }
        played
    }

    fn urls(&self) -> impl Iterator<Item = &str> {
        self.exchanges.iter().map(|exchange| exchange.url.as_str())
    }
}

impl Recorded {
    fn clean(answer: &Answer) -> Self {
        let headers = answer.headers.iter().filter_map(|(name, value)| redact::header(name, value));
        let body = match (file::json(&answer.body), std::str::from_utf8(&answer.body)) {
            (Some(mut json), _) => {
                redact::json(&mut json);
                json.to_string().into()
            }
            (None, Ok(text)) => redact::text(text).into(),
            (None, Err(_)) => answer.body.clone(),
        };
        Self { status: answer.status, headers: headers.collect(), body }
    }

    fn answer(&self) -> Answer {
        Answer {
            status: self.status,
            headers: self.headers.clone().into_iter().collect(),
            body: self.body.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
