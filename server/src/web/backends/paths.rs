//! The addresses of backends on this server, and what of an engine's API can be reached through them.

/// What precedes the name of a backend in a path.
const PREFIX: &str = "/backend/";

/// What can be requested with GET and with POST. Source: "HTTP API" in Prometheus's documentation.
const QUERIES: [&str; 6] = ["query", "query_range", "query_exemplars", "series", "labels", "format_query"];

/// What can be requested with GET only.
const READINGS: [&str; 5] = ["metadata", "features", "rules", "alerts", "status/buildinfo"];

/// Where the page of a backend is, without a slash at the end.
pub(crate) fn base_path(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The path within the page: of `/backend/fleet/api/v1/query` it is `/api/v1/query`.
pub(crate) fn within_page(path: &str) -> &str {
    let rest = path.strip_prefix(PREFIX).and_then(|rest| rest.find('/').and_then(|at| rest.get(at..)));
    rest.unwrap_or(path)
}

/// Whether `path`, the part after `/api/v1/`, reads something.
pub(crate) fn is_readable(path: &str, is_post: bool) -> bool {
    if QUERIES.contains(&path) {
        return true;
    }
    let label = path.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values"));
    !is_post && (READINGS.contains(&path) || label.is_some_and(is_label))
}

/// Whether the text is a label's name, as it is or percent-encoded. An encoded dot is left out, since two of them lead up.
fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'%' | b'-');
    !text.is_empty() && text.bytes().all(is_plain) && !text.to_ascii_lowercase().contains("%2e")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_has_the_paths_of_the_page() {
        assert_eq!(within_page("/backend/fleet/"), "/");
        assert_eq!(within_page("/backend/fleet/api/v1/query"), "/api/v1/query");
        for path in ["/", "/api/v1/query", "/backend/fleet", "/backend", "/backends/x/y", "//backend/a/b"] {
            assert_eq!(within_page(path), path);
        }
        assert_eq!(within_page(&format!("{}/x.js", base_path("a"))), "/x.js");
    }

    #[test]
    fn only_what_reads_can_be_reached() {
        for path in ["query", "query_range", "series", "labels"] {
            assert!(is_readable(path, false) && is_readable(path, true), "{path}");
        }
        for path in ["metadata", "status/buildinfo", "label/__name__/values", "label/a%2Fb/values"] {
            assert!(is_readable(path, false) && !is_readable(path, true), "{path}");
        }
        for path in [
            "",
            "write",
            "read",
            "admin/tsdb/delete_series",
            "query/../admin/tsdb/snapshot",
            "label//values",
            "label/../values",
            "label/a/b/values",
            "label/%2e%2E/values",
            "status/config",
            "query/",
        ] {
            assert!(!is_readable(path, false), "{path}");
        }
    }
}
