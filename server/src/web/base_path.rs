//! The path below which the page is opened, for proxies that have other sites beside it.
use crate::web::assets;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use std::sync::Arc;

/// The longest path.
const MAX_BYTES: usize = 200;

/// The first parts of the paths that the server has besides those of the page's files.
const OWN_PARTS: [&str; 8] = ["-", "api", "federate", "metrics", "openmetrics", "sign-in", "sign-in.css", "sign-out"];

/// A path that begins and ends with a slash: `/` where the page is not below anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl Default for BasePath {
    fn default() -> Self {
        Self("/".into())
    }
}

/// The address of a request, seen from the base path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// The address without the base path, which it had or not: some proxies take it off themselves.
    Path(Uri),
    /// The base path without its slash at the end, from which relative addresses would lead elsewhere.
    WithoutSlash,
}

impl BasePath {
    /// The path that `text` is. A slash at its end may be missing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("{text:?} does not begin with a slash; write a path such as \"/metrics-tab/\""));
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        if text == "/" {
            return Ok(Self::default());
        }
        let is_part = |part: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_plain)
        };
        if path.len() > MAX_BYTES || !path.split('/').all(is_part) {
            let problem = "is not a path of letters, digits and -._~ between slashes, of at most 200 characters";
            return Err(format!("{text:?} {problem}"));
        }
        let first = path.split('/').next().unwrap_or_default();
        if OWN_PARTS.contains(&first)
            || assets::is_file(&format!("/{first}"))
            || format!("/{first}") == assets::API_FILE
        {
            let problem = "which are paths of the server itself; choose another one";
            return Err(format!("{text:?} is, or is below, /{first}, {problem}"));
        }
        Ok(Self(format!("/{path}/").into()))
    }

    /// The path, with a slash at both ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a request leads to whose address is the base path without its slash at the end: relative to that, as a proxy
    /// may have put more before it.
    pub(crate) fn with_slash(&self, query: Option<&str>) -> String {
        let last = self.0.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        query.map_or_else(|| format!("{last}/"), |query| format!("{last}/?{query}"))
    }

    /// `uri`, seen from this path.
    pub(crate) fn below(&self, uri: &Uri) -> Below {
        let path = uri.path();
        if &*self.0 != "/" && self.0.strip_suffix('/') == Some(path) {
            return Below::WithoutSlash;
        }
        let without = || {
            let rest = path.strip_prefix(&*self.0)?;
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let path: PathAndQuery = format!("/{rest}{query}").parse().ok()?;
            let mut parts = uri.clone().into_parts();
            parts.path_and_query = Some(path);
            Uri::from_parts(parts).ok()
        };
        Below::Path(without().unwrap_or_else(|| uri.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_and_none_of_the_servers_own() {
        for (text, path) in [("/", "/"), ("/a", "/a/"), ("/a/", "/a/"), ("/metrics-tab/b.c/", "/metrics-tab/b.c/")] {
            assert_eq!(BasePath::parse(text).expect(text).as_str(), path);
        }
        for text in [
            "",
            "a",
            "//",
            "/a//b",
            "/a/../b",
            "/./",
            "/a b",
            "/a?b",
            "/ä",
            "/%61",
            "/a;b",
            "https://a/",
            "/metrics",
            "/api/x",
            "/-/",
            "/config.json",
            "/sign-in/",
        ] {
            assert!(BasePath::parse(text).is_err(), "{text:?}");
        }
        assert!(BasePath::parse(&format!("/{}", "a".repeat(201))).is_err());
    }

    #[test]
    fn requests_are_seen_from_the_path() {
        let base = BasePath::parse("/a/b").expect("a path");
        for (uri, below) in [
            ("/a/b/", Some("/")),
            ("/a/b/?x=/a/b/", Some("/?x=/a/b/")),
            ("/a/b/api/v1/query?query=1", Some("/api/v1/query?query=1")),
            ("/a/b//evil.example", Some("//evil.example")),
            ("/a/b", None),
            ("/a/b?x", None),
            ("/", Some("/")),
            ("/metrics", Some("/metrics")),
            ("/a/bc", Some("/a/bc")),
            ("http://h/a/b/metrics", Some("http://h/metrics")),
        ] {
            let expected = below.map_or(Below::WithoutSlash, |uri| Below::Path(uri.parse().expect(uri)));
            assert_eq!(base.below(&uri.parse().expect(uri)), expected, "{uri}");
        }
        assert_eq!(base.with_slash(Some("x=1")), "b/?x=1");
        let root = BasePath::default();
        assert_eq!(
            root.below(&"/metrics?a".parse().expect("a uri")),
            Below::Path("/metrics?a".parse().expect("a uri"))
        );
    }
}
