//! A small document from an address in hubs.toml, such as the list of revoked certificates of a bus: no script has a say in it.

use super::body::{BodyError, bounded};
use super::shown;
use reqwest::{Client, Url};
use std::time::Duration;

const TRIES: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 1 });
/// A list of revoked certificates has some kilobytes, of a large authority a few hundred.
const DOCUMENT_BYTES: usize = 4 << 20;

/// What is there, or why it could not be had. What began encrypted stays so, over redirects too.
pub async fn fetch_configured(url: Url) -> Result<Vec<u8>, String> {
    let client = Client::builder()
        .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
        .https_only(url.scheme() == "https")
        .timeout(TIMEOUT)
        .build()
        .map_err(|why| why.to_string())?;
    let mut tries = 1;
    loop {
        match fetch(&client, &url).await {
            Err(why) if tries < TRIES => {
                tracing::debug!(why, "{} is asked again", shown(&url));
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

async fn fetch(client: &Client, url: &Url) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| {
        std::error::Error::source(&error).map_or("no answer".to_owned(), ToString::to_string)
    };
    let answer = client.get(url.clone()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    bounded(answer, DOCUMENT_BYTES).await.map_err(|error| match error {
        BodyError::Broken(error) => failed(error),
        too_long @ BodyError::TooLong(_) => too_long.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

    async fn served(answers: &[(u16, usize)]) -> Result<usize, String> {
        let server = MockServer::start().await;
        for (status, bytes) in answers {
            let answer = ResponseTemplate::new(*status).set_body_bytes(vec![b'x'; *bytes]);
            Mock::given(method("GET")).respond_with(answer).up_to_n_times(1).mount(&server).await;
        }
        fetch_configured(server.uri().parse().unwrap()).await.map(|body| body.len())
    }

    #[tokio::test]
    async fn it_is_asked_three_times_and_bounded() {
        assert_eq!(served(&[(500, 0), (503, 0), (200, 7)]).await, Ok(7));
        let said = served(&[(500, 0), (503, 0), (502, 0), (200, 7)]).await.unwrap_err();
        assert_eq!(said, "it answers 502 Bad Gateway");
        let said = served(&[(200, DOCUMENT_BYTES + 1); 3]).await.unwrap_err();
        assert_eq!(said, "it has more than 4194304 bytes");
    }
}
