//! Paging through a datagrepper, the archive of messages over HTTP. Its address comes from a person, not from a script.

use super::body::{BodyError, bounded};
use super::shown;
use jiff::Timestamp;
use reqwest::{Client, StatusCode, Url, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// What datagrepper gives at most.
const ROWS: usize = 100;
/// So many messages of the largest size that a broker carries.
const ANSWER_BYTES: usize = ROWS << 20;
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 1 });
const LONGEST_PAUSE: u64 = 120;
const TIMEOUT: Duration = Duration::from_mins(1);
/// It reads times as floats: so much before the last message is asked again, lest one is passed over.
const OVERLAP: Duration = Duration::from_millis(1);

/// No message shows a password that stands in the address.
#[derive(Debug, thiserror::Error)]
pub enum DatagrepperError {
    #[error(
        "`{0}` is no address of a datagrepper: write `https://apps.fedoraproject.org/datagrepper`"
    )]
    NoAddress(String),
    #[error("{at} does not answer ({why})")]
    Unreachable { at: String, why: String },
    #[error("{at} answers {status}")]
    Refused { at: String, status: u16 },
    #[error("{at} answers in a way that no datagrepper does: {why}")]
    NoDatagrepper { at: String, why: String },
}

/// One archive, and what of it is asked for.
#[derive(Debug)]
pub struct Datagrepper {
    client: Client,
    /// As the new versions have it; those before 1.0 have only `raw`.
    search: Url,
    filters: Vec<(String, String)>,
}

/// Through a stretch of time, the oldest message first. Each page starts where the last one ended, by time: so it costs
/// the same however far it is, and can be resumed.
#[derive(Debug, Clone)]
pub struct Walk {
    from: Timestamp,
    until: Timestamp,
    page: u32,
}

impl Walk {
    pub fn new(from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, page: 1 }
    }

    /// Up to where all is read.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Behind a page whose last message was sent then.
    pub fn go_on(&mut self, last: Option<Timestamp>) {
        let next = last.map(|last| last.min(self.until) - OVERLAP).filter(|next| *next > self.from);
        // A page of one moment only: the next one is behind it.
        (self.from, self.page) = next.map_or((self.from, self.page + 1), |next| (next, 1));
    }
}

/// Since 1970, with what is below a second.
fn seconds(at: Timestamp) -> String {
    let micros = at.as_microsecond();
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

#[derive(Deserialize)]
struct Answer {
    raw_messages: Vec<Box<RawValue>>,
}

impl Datagrepper {
    /// Filters may stand in the address: `…/datagrepper?user=ralph&category=bodhi`.
    pub fn at(address: &str) -> Result<Self, DatagrepperError> {
        /// What is paged by is ours to say.
        const OURS: [&str; 7] = ["start", "end", "delta", "page", "rows_per_page", "order", "meta"];
        let no_address = || {
            let place = address.rsplit_once('@').map_or(address, |(_, place)| place);
            DatagrepperError::NoAddress(place.into())
        };
        let mut search = Url::parse(address).map_err(|_| no_address())?;
        if !matches!(search.scheme(), "http" | "https") {
            return Err(no_address());
        }
        let filters = search.query_pairs().into_owned();
        let filters = filters.filter(|(name, _)| !OURS.contains(&&**name)).collect();
        search.set_query(None);
        search.set_fragment(None);
        let path = search.path().trim_end_matches('/');
        let path = path.trim_end_matches("/v2/search").trim_end_matches("/raw").to_owned();
        search.set_path(&format!("{path}/v2/search"));
        let client = Client::builder()
            .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .build()
            .map_err(|why| DatagrepperError::Unreachable {
                at: shown(&search),
                why: why.to_string(),
            })?;
        Ok(Self { client, search, filters })
    }

    /// The archive and what is asked of it: the same for the same import.
    pub fn name(&self) -> String {
        let mut name = self.search.clone();
        name.set_path(
            name.path().trim_end_matches("/v2/search").trim_end_matches("/raw").to_owned().as_str(),
        );
        if !self.filters.is_empty() {
            name.query_pairs_mut().extend_pairs(&self.filters);
        }
        name.into()
    }

    /// Its address for people.
    pub fn shown(&self) -> String {
        shown(&self.search)
    }

    /// Whether it answers as a datagrepper does: asked for one message, once.
    pub async fn probe(&self) -> Result<(), DatagrepperError> {
        let mut at = self.search.clone();
        at.query_pairs_mut().extend_pairs(&self.filters).append_pair("rows_per_page", "1");
        match self.ask(at).await? {
            Ok(_) => Ok(()),
            Err((status, _)) => {
                Err(DatagrepperError::Refused { at: self.shown(), status: status.as_u16() })
            }
        }
    }

    /// Messages in a page, unless it is the last one.
    pub fn rows(&self) -> usize {
        ROWS
    }

    /// In fedmsg's shape, with the signatures of messages that were signed.
    #[must_use]
    pub fn of_fedmsg(mut self) -> Self {
        let path = self.search.path().replace("/v2/search", "/raw");
        self.search.set_path(&path);
        self
    }

    /// The next messages of a walk: each as a line of a recording.
    pub async fn page(&mut self, walk: &Walk) -> Result<Vec<Vec<u8>>, DatagrepperError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut at = self.search.clone();
            at.query_pairs_mut()
                .extend_pairs(&self.filters)
                .append_pair("start", &seconds(walk.from))
                .append_pair("end", &seconds(walk.until))
                .append_pair("order", "asc")
                .append_pair("rows_per_page", &ROWS.to_string())
                .append_pair("page", &walk.page.to_string());
            let pause = match self.ask(at).await {
                Ok(Ok(lines)) => return Ok(lines),
                // One of before 1.0.
                Ok(Err((StatusCode::NOT_FOUND, _)))
                    if self.search.path().ends_with("/v2/search") =>
                {
                    let path = self.search.path().replace("/v2/search", "/raw");
                    self.search.set_path(&path);
                    continue;
                }
                Ok(Err((status, pause))) => {
                    let may_pass =
                        status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
                    if !may_pass || tries == TRIES {
                        let (at, status) = (self.shown(), status.as_u16());
                        return Err(DatagrepperError::Refused { at, status });
                    }
                    pause
                }
                Err(error @ DatagrepperError::Unreachable { .. }) if tries < TRIES => {
                    tracing::debug!(%error, "datagrepper is asked again");
                    None
                }
                Err(error) => return Err(error),
            };
            tokio::time::sleep(pause.unwrap_or(FIRST_PAUSE * 2_u32.pow(tries - 1))).await;
        }
    }

    /// The lines, or a status and how long to wait.
    async fn ask(
        &self,
        at: Url,
    ) -> Result<Result<Vec<Vec<u8>>, (StatusCode, Option<Duration>)>, DatagrepperError> {
        let unreachable = |error: reqwest::Error| {
            let why = std::error::Error::source(&error)
                .map_or_else(|| "no answer".to_owned(), ToString::to_string);
            DatagrepperError::Unreachable { at: self.shown(), why }
        };
        let request = self.client.get(at).header(header::ACCEPT, "application/json");
        let answer = request.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            let after = answer.headers().get(header::RETRY_AFTER);
            let seconds = after.and_then(|after| after.to_str().ok()?.parse::<u64>().ok());
            let pause = seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST_PAUSE)));
            return Ok(Err((answer.status(), pause)));
        }
        let strange = |why: String| DatagrepperError::NoDatagrepper { at: self.shown(), why };
        let body = bounded(answer, ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::Broken(error) => unreachable(error),
            BodyError::TooLong(_) => strange("it does not end".into()),
        })?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|why| strange(why.to_string()))?;
        Ok(Ok(answer.raw_messages.iter().map(|raw| raw.get().as_bytes().to_vec()).collect()))
    }
}
