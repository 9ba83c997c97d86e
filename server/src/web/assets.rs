//! Serves the page's files, which are compiled in. Nothing is read from disk.
use crate::web::accept_encoding::accepts_encoding;
use crate::web::backends::paths::within_page;
use crate::web::headers::is_embed_request;
use axum::Router;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

/// One file of the page.
#[derive(Debug)]
struct Asset {
    /// The path of its URL.
    path: &'static str,
    /// Its entity tag, with the quotes.
    etag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file that the API has in place of the one for static hosting.
pub(crate) const API_FILE: &str = "/config.json";

/// Whether `path` is that of the page or of one of its files.
pub(crate) fn is_file(path: &str) -> bool {
    let path = within_page(path);
    path == "/" || path != API_FILE && ASSETS.iter().any(|asset| asset.path == path)
}

/// What precedes the place for an embed's key on the page.
const KEY_PREFIX: &str = "name=\"frame-key\" content=\"";

/// The routes to the files. The page is at `base` and a slash, and contains `frame_key` if it is embedded.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(base: &str, frame_key: Option<&str>) -> Router<S> {
    let files = ASSETS.iter().filter(|asset| asset.path != API_FILE);
    files.fold(Router::new(), |router, asset| {
        if asset.path != "/index.html" {
            let path = format!("{base}{}", asset.path);
            return router.route(&path, get(move |headers: HeaderMap| async move { asset.response(&headers) }));
        }
        let embed = frame_key.map(|key| with_key(asset.plain, key));
        let page = move |uri: Uri, headers: HeaderMap| async move {
            match embed.filter(|_| is_embed_request(&uri)) {
                Some(page) => embed_response(page),
                None => asset.response(&headers),
            }
        };
        router.route(&format!("{base}/"), get(page))
    })
}

/// The page with a key filled in.
fn with_key(page: &[u8], key: &str) -> Bytes {
    let page = String::from_utf8_lossy(page);
    page.replacen(KEY_PREFIX, &format!("{KEY_PREFIX}{key}"), 1).into()
}

/// A page with a key. It must not be cached: the key changes with every start.
fn embed_response(page: Bytes) -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, content_type("/index.html"))];
    (headers, page).into_response()
}

impl Asset {
    fn response(&self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
        set(ETAG, self.etag);
        set(VARY, "accept-encoding");
        if is_hashed(self.path) {
            set(CACHE_CONTROL, "public, max-age=31536000, immutable");
            // A sandboxed iframe has an opaque origin and loads modules with CORS only.
            set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            set(CACHE_CONTROL, "no-cache");
        }
        if request.get_all(IF_NONE_MATCH).iter().any(|etags| lists(etags, self.etag)) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(self.path)));
        let compressed = [("br", self.brotli), ("gzip", self.gzip)]
            .into_iter()
            .find_map(|(coding, body)| Some((coding, body.filter(|_| accepts_encoding(request, coding))?)));
        let body = match compressed {
            Some((coding, body)) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
                body
            }
            None => self.plain,
        };
        (headers, body).into_response()
    }
}

/// Whether an `If-None-Match` header lists `etag`.
pub(crate) fn lists(header: &HeaderValue, etag: &str) -> bool {
    let is_match = |listed: &str| listed.trim().trim_start_matches("W/") == etag || listed.trim() == "*";
    header.to_str().is_ok_and(|etags| etags.split(',').any(is_match))
}

/// Whether the name contains a hash of the content, as `page-0123456789abcdef_bg.wasm` does. Such a file never changes.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['-', '_', '.']).any(|part| part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_immutable() {
        for name in
            ["/inferboard-0123456789abcdef_bg.wasm", "/inferboard-0123456789abcdef.js", "/a/boot-0123456789ab.js"]
        {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["/index.html", "/favicon.svg", "/boot-latest.js", "/decade-facade.css"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn an_unchanged_file_is_not_sent_again() {
        for (etags, status) in [("\"a\"", 304), ("\"b\", W/\"a\"", 304), ("*", 304), ("\"b\"", 200), ("a", 200)] {
            let asset = Asset { path: "/x", etag: "\"a\"", plain: b"text", brotli: None, gzip: None };
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(etags))]);
            assert_eq!(asset.response(&request).status(), status, "{etags}");
        }
    }
}
