//! Turns away requests that pages of other sites make the browser send, before they cost any work.
//!
//! Such a page cannot read the answer, but an `<img>` on it could let the companion of whoever looks at it do the work.
use crate::web::assets;
use crate::web::cors::{Cors, FRAME_KEY};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The header with which browsers say where a request comes from.
/// Source: the W3C's "Fetch Metadata Request Headers".
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Middleware that refuses what a page of another origin sends, unless the configuration lists that origin or the page is
/// one that this server delivered to an iframe.
pub async fn refuse_cross_site(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    if is_refused(&cors, request.method(), request.uri().path(), request.headers()) {
        let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::FORBIDDEN, headers, "this page's origin is not among cors_origins\n").into_response();
    }
    next.run(request).await
}

fn is_refused(cors: &Cors, method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    // Programs other than browsers send no such header, and `none` is what a person typed.
    let is_foreign = sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    if !is_foreign || assets::is_file(path) {
        return false;
    }
    // A preflight is answered without any work, and says itself whether it is allowed.
    if method == Method::OPTIONS {
        return false;
    }
    match headers.get(ORIGIN) {
        Some(origin) => !cors.allows(origin, headers),
        // Without an origin no page can read the answer. An iframe's page sends its key.
        None => !headers.get(FRAME_KEY).is_some_and(|key| cors.is_frame_key(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::frame_policy::FramePolicy;

    fn refused(path: &str, headers: &[(&str, &str)]) -> bool {
        let policy = FramePolicy::new(&["'self'".into()]).expect("a key");
        let key = policy.key.clone().expect("a key");
        let cors = Cors::new(&["https://dash.example".into()], policy);
        let value = |text: &str| HeaderValue::from_str(if text == "KEY" { &key } else { text }).expect("a header");
        let headers = headers.iter().map(|(name, text)| (HeaderName::try_from(*name).expect("a name"), value(text)));
        is_refused(&cors, &Method::GET, path, &headers.collect())
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for site in ["cross-site", "same-site", "CROSS-SITE", "anything"] {
            for path in ["/federate", "/api/v1/query", "/metrics", "/-/ready", "/openmetrics/x", "/nosuch"] {
                assert!(refused(path, &[("sec-fetch-site", site)]), "{site} {path}");
                let evil = [("sec-fetch-site", site), ("origin", "https://evil.example")];
                assert!(refused(path, &evil), "{site} {path}");
            }
        }
        let sandboxed = [("sec-fetch-site", "cross-site"), ("origin", "null"), ("frame-key", "guessed")];
        assert!(refused("/api/v1/query", &sandboxed));
    }

    #[test]
    fn people_programs_listed_origins_and_embeds_are_served() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://dash.example")],
            &[("sec-fetch-site", "cross-site"), ("origin", "null"), ("frame-key", "KEY")],
        ] {
            assert!(!refused("/api/v1/query", headers), "{headers:?}");
        }
        assert!(!refused("/", &[("sec-fetch-site", "cross-site")]));
    }
}
