//! The names of status codes of HTTP, gRPC and WebSocket.

/// The name of an HTTP status or class (`404`, `4xx`), a gRPC code (`14`) or a WebSocket close code (`1006`), for the
/// legend. None for an unknown code.
///
/// Sources: RFC 9110, section 15, and RFC 6585; the gRPC core's status codes; RFC 6455, section 7.4, and the registry of
/// WebSocket close codes.
pub fn status_name(code: &str) -> Option<&'static str> {
    let found = NAMES.iter().find(|(own, _)| own.eq_ignore_ascii_case(code));
    found.map(|(_, name)| *name)
}

const NAMES: [(&str, &str); 66] = [
    ("1xx", "informational"),
    ("2xx", "served"),
    ("3xx", "redirected"),
    ("4xx", "refused"),
    ("5xx", "failed"),
    ("100", "Continue"),
    ("101", "Switching protocols"),
    ("200", "OK"),
    ("201", "Created"),
    ("202", "Accepted"),
    ("204", "No content"),
    ("206", "Partial content"),
    ("301", "Moved permanently"),
    ("302", "Found"),
    ("304", "Not modified"),
    ("307", "Temporary redirect"),
    ("308", "Permanent redirect"),
    ("400", "Bad request"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("404", "Not found"),
    ("405", "Method not allowed"),
    ("408", "Request timeout"),
    ("409", "Conflict"),
    ("413", "Content too large"),
    ("415", "Unsupported media type"),
    ("422", "Unprocessable content"),
    ("424", "Failed dependency"),
    ("429", "Too many requests"),
    ("499", "Client closed request"),
    ("500", "Internal server error"),
    ("501", "Not implemented"),
    ("502", "Bad gateway"),
    ("503", "Service unavailable"),
    ("504", "Gateway timeout"),
    ("0", "OK"),
    ("1", "CANCELLED"),
    ("2", "UNKNOWN"),
    ("3", "INVALID_ARGUMENT"),
    ("4", "DEADLINE_EXCEEDED"),
    ("5", "NOT_FOUND"),
    ("6", "ALREADY_EXISTS"),
    ("7", "PERMISSION_DENIED"),
    ("8", "RESOURCE_EXHAUSTED"),
    ("9", "FAILED_PRECONDITION"),
    ("10", "ABORTED"),
    ("11", "OUT_OF_RANGE"),
    ("12", "UNIMPLEMENTED"),
    ("13", "INTERNAL"),
    ("14", "UNAVAILABLE"),
    ("15", "DATA_LOSS"),
    ("16", "UNAUTHENTICATED"),
    ("1000", "Normal closure"),
    ("1001", "Going away"),
    ("1002", "Protocol error"),
    ("1003", "Unsupported data"),
    ("1005", "No status received"),
    ("1006", "Abnormal closure"),
    ("1007", "Invalid payload data"),
    ("1008", "Policy violation"),
    ("1009", "Message too big"),
    ("1010", "Mandatory extension missing"),
    ("1011", "Internal error"),
    ("1012", "Service restart"),
    ("1013", "Try again later"),
    ("1014", "Bad gateway"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_each_protocol_have_their_names() {
        for (code, name) in [
            ("2XX", Some("served")),
            ("429", Some("Too many requests")),
            ("14", Some("UNAVAILABLE")),
            ("1006", Some("Abnormal closure")),
            ("418", None),
            ("", None),
        ] {
            assert_eq!(status_name(code), name, "{code}");
        }
    }
}
