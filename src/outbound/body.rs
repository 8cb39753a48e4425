//! The body of an answer from a server that a person named, up to a limit.

use reqwest::Response;

#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("it has more than {0} bytes")]
    TooLong(usize),
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

/// What `Content-Length` promises is no reason to trust it.
pub(super) async fn bounded(mut answer: Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > most {
            return Err(BodyError::TooLong(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
