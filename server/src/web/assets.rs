//! The page's files, compiled in: exact paths only, nothing is read at run time.
use crate::web::headers::is_framed;
use axum::Router;
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

/// One file of the page.
#[derive(Debug)]
struct Asset {
    /// Where it is served.
    path: &'static str,
    /// Its entity tag, quotes included.
    tag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where the page has room for the key of frames.
const KEY_PLACE: &str = "name=\"frame-key\" content=\"";

/// Routes to the files; the page itself is at `/`, with `frame_key` in it where it is asked for by a frame.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(frame_key: Option<&str>) -> Router<S> {
    // The server answers this one itself; the file is for static hosting.
    let files = ASSETS.iter().filter(|asset| asset.path != "/config.json");
    files.fold(Router::new(), |router, asset| {
        if asset.path != "/index.html" {
            return router.route(asset.path, get(move |headers: HeaderMap| async move { asset.answer(&headers) }));
        }
        let framed = frame_key.map(|key| with_key(asset.plain, key));
        let answer = move |uri: Uri, headers: HeaderMap| async move {
            match framed.filter(|_| is_framed(&uri)) {
                Some(page) => keyed(page),
                None => asset.answer(&headers),
            }
        };
        router.route("/", get(answer))
    })
}

/// The page with a key in its place.
fn with_key(page: &[u8], key: &str) -> Bytes {
    let page = String::from_utf8_lossy(page);
    page.replacen(KEY_PLACE, &format!("{KEY_PLACE}{key}"), 1).into()
}

/// A page that nobody may keep: its key is of this process.
fn keyed(page: Bytes) -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, content_type("/index.html"))];
    (headers, page).into_response()
}

impl Asset {
    fn answer(&self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
        set(ETAG, self.tag);
        set(VARY, "accept-encoding");
        if is_hashed(self.path) {
            set(CACHE_CONTROL, "public, max-age=31536000, immutable");
            // A sandboxed frame has an origin of its own and loads modules only by CORS.
            set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            set(CACHE_CONTROL, "no-cache");
        }
        if request.get_all(IF_NONE_MATCH).iter().any(|tags| lists(tags, self.tag)) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(self.path)));
        let packed = [("br", self.brotli), ("gzip", self.gzip)]
            .into_iter()
            .find_map(|(coding, body)| Some((coding, body.filter(|_| accepts(request, coding))?)));
        let body = match packed {
            Some((coding, body)) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
                body
            }
            None => self.plain,
        };
        (headers, body).into_response()
    }
}

/// Whether the request's `Accept-Encoding` takes `coding`.
pub(crate) fn accepts(request: &HeaderMap, coding: &str) -> bool {
    request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
            let refused = parameters.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
            name.trim().eq_ignore_ascii_case(coding) && !refused
        })
}

fn lists(tags: &HeaderValue, tag: &str) -> bool {
    let same = |given: &str| given.trim().trim_start_matches("W/") == tag || given.trim() == "*";
    tags.to_str().is_ok_and(|tags| tags.split(',').any(same))
}

/// Whether the name holds a hash of the content, such as `page-0123456789abcdef_bg.wasm`, so that it never changes.
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

    fn encodings(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(text).expect("a header"))])
    }

    #[test]
    fn what_is_accepted_is_sent() {
        assert!(accepts(&encodings("gzip, deflate, br;q=0.9"), "br"));
        assert!(accepts(&encodings("GZIP"), "gzip"));
        assert!(!accepts(&encodings("gzip;q=0, identity"), "gzip"));
        assert!(!accepts(&encodings("brotli"), "br"));
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
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
        for (tags, status) in [("\"a\"", 304), ("\"b\", W/\"a\"", 304), ("*", 304), ("\"b\"", 200), ("a", 200)] {
            let asset = Asset { path: "/x", tag: "\"a\"", plain: b"text", brotli: None, gzip: None };
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(tags))]);
            assert_eq!(asset.answer(&request).status(), status, "{tags}");
        }
    }
}
