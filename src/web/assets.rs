//! Static files: kept in memory with a hash each, so that a browser asks for a version once.

use super::Services;
use super::errors::PageError;
use crate::config::Site;
use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::Arc;

/// The files of `static/`, read once and again when one changes.
pub struct Assets {
    files: ArcSwap<HashMap<String, Asset>>,
}

#[derive(Clone)]
struct Asset {
    bytes: Bytes,
    kind: &'static str,
    etag: HeaderValue,
}

impl Assets {
    pub fn new(site: &Site) -> Self {
        Self { files: ArcSwap::from_pointee(read(site)) }
    }

    pub fn reload(&self, site: &Site) {
        self.files.store(read(site).into());
    }
}

fn read(site: &Site) -> HashMap<String, Asset> {
    let files = site.list("static", "").into_iter().filter_map(|path| {
        let bytes = site.read(&path)?;
        let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&bytes));
        let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes");
        let name = path.strip_prefix("static/")?.to_owned();
        let kind = kind_of(&name);
        Some((name, Asset { bytes: bytes.into(), kind, etag }))
    });
    files.collect()
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `GET /static/…`: for a year where the address carries a version, else asked again each time.
pub(super) async fn serve(
    State(services): State<Arc<Services>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let versioned = query.is_some_and(|query| query.starts_with("v="));
    answer(&services, &path, versioned, &headers)
}

/// `GET /favicon.ico`: browsers ask for it whatever the page says.
pub(super) async fn favicon(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    answer(&services, "favicon.svg", false, &headers)
}

fn answer(
    services: &Services,
    path: &str,
    versioned: bool,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let files = services.assets.files.load();
    let asset = files.get(path).ok_or_else(|| PageError::NoSuchPage(format!("/static/{path}")))?;
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(known) if *known == asset.etag => StatusCode::NOT_MODIFIED.into_response(),
        _ => Response::new(Body::from(asset.bytes.clone())),
    };
    let kept = if versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    fields.insert(header::ETAG, asset.etag.clone());
    Ok(response)
}
