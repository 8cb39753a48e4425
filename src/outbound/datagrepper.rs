//! Paging through a datagrepper, the archive of messages over HTTP. Its address comes from a person, not from a script.

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

#[derive(Debug, thiserror::Error)]
pub enum DatagrepperError {
    #[error(
        "`{0}` is no address of a datagrepper: write `https://apps.fedoraproject.org/datagrepper`"
    )]
    NoAddress(String),
    #[error("{at} does not answer ({why}); the import goes on from here when it is started again")]
    Unreachable { at: Url, why: String },
    #[error("{at} answers {status}; the import goes on from here when it is started again")]
    Refused { at: Url, status: u16 },
    #[error("{at} answers in a way that no datagrepper does: {why}")]
    NoDatagrepper { at: Url, why: String },
}

/// One archive, and what of it is asked for.
#[derive(Debug)]
pub struct Datagrepper {
    client: Client,
    /// As the new versions have it; those before 1.0 have only `raw`.
    search: Url,
    filters: Vec<(String, String)>,
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
        let no_address = || DatagrepperError::NoAddress(address.into());
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
                at: search.clone(),
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

    /// Messages in a page, unless it is the last one.
    pub fn rows(&self) -> usize {
        ROWS
    }

    /// Messages between two times in seconds since 1970, the oldest first: each as a line of a recording.
    pub async fn page(
        &mut self,
        start: &str,
        end: &str,
        page: u32,
    ) -> Result<Vec<Vec<u8>>, DatagrepperError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut at = self.search.clone();
            at.query_pairs_mut()
                .extend_pairs(&self.filters)
                .append_pair("start", start)
                .append_pair("end", end)
                .append_pair("order", "asc")
                .append_pair("rows_per_page", &ROWS.to_string())
                .append_pair("page", &page.to_string());
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
                        let (at, status) = (self.search.clone(), status.as_u16());
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
            DatagrepperError::Unreachable { at: self.search.clone(), why }
        };
        let request = self.client.get(at).header(header::ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            let after = answer.headers().get(header::RETRY_AFTER);
            let seconds = after.and_then(|after| after.to_str().ok()?.parse::<u64>().ok());
            let pause = seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST_PAUSE)));
            return Ok(Err((answer.status(), pause)));
        }
        let strange =
            |why: String| DatagrepperError::NoDatagrepper { at: self.search.clone(), why };
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > ANSWER_BYTES {
                return Err(strange("it does not end".into()));
            }
            body.extend_from_slice(&piece);
        }
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|why| strange(why.to_string()))?;
        Ok(Ok(answer.raw_messages.iter().map(|raw| raw.get().as_bytes().to_vec()).collect()))
    }
}
