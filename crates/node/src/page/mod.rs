//! Serve the status page: a few files, built into the node, that ask nothing of other hosts.
//!
//! The page reads the HTTP API like any other client. `GET /` answers with [`INDEX_PATH`]; every
//! other asset lies under `/page/`.

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use trine_types::Suite;

/// Path of the page itself.
pub const INDEX_PATH: &str = "/";

/// What the page may load: its own files and the node's API, nothing else, nothing inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Path in the node's HTTP interface.
    pub path: &'static str,
    /// Value of the header `Content-Type`.
    pub content_type: &'static str,
    /// Content.
    pub body: &'static str,
}

macro_rules! assets {
    ($($path:literal $content_type:literal $file:literal;)*) => {
        /// Every file of the page.
        pub const ASSETS: &[Asset] = &[$(Asset {
            path: $path,
            content_type: $content_type,
            body: include_str!($file),
        },)*];
    };
}

assets! {
    "/" "text/html; charset=utf-8" "index.html";
    "/page/style.css" "text/css; charset=utf-8" "style.css";
    "/page/icon.svg" "image/svg+xml" "icon.svg";
    "/page/api.js" "text/javascript; charset=utf-8" "api.js";
    "/page/app.js" "text/javascript; charset=utf-8" "app.js";
    "/page/chart.js" "text/javascript; charset=utf-8" "chart.js";
    "/page/dom.js" "text/javascript; charset=utf-8" "dom.js";
    "/page/live.js" "text/javascript; charset=utf-8" "live.js";
    "/page/text.js" "text/javascript; charset=utf-8" "text.js";
    "/page/views.js" "text/javascript; charset=utf-8" "views.js";
}

impl Asset {
    /// Entity tag: a quoted hash of the content.
    pub fn etag(&self) -> String {
        let digest = Suite::Intl.hash(&[self.body.as_bytes()]).to_string();
        format!("\"{}\"", &digest[..32])
    }

    /// Answers a request; 304 without content where the client has this content already.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let etag = self.etag();
        let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let is_known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.into_response()
        };
        let etag = HeaderValue::from_str(&etag).expect("quoted hexadecimal is a header value");
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag);
        for (name, value) in [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Routes of the page, to be merged into the node's own.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(async |request: Request| asset.respond(request.headers())))
    })
}
