//! Reads the request header `Accept-Encoding`.
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// Whether the client accepts the content coding `coding`, such as `gzip`.
pub(crate) fn accepts_encoding(request: &HeaderMap, coding: &str) -> bool {
    request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
            let is_excluded = parameters.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
            name.trim().eq_ignore_ascii_case(coding) && !is_excluded
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn request(accepted: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(accepted).expect("a header"))])
    }

    #[test]
    fn codings_are_accepted_unless_their_quality_is_zero() {
        assert!(accepts_encoding(&request("gzip, deflate, br;q=0.9"), "br"));
        assert!(accepts_encoding(&request("GZIP"), "gzip"));
        assert!(!accepts_encoding(&request("gzip;q=0, identity"), "gzip"));
        assert!(!accepts_encoding(&request("brotli"), "br"));
        assert!(!accepts_encoding(&HeaderMap::new(), "br"));
    }
}
