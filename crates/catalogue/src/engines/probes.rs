//! Paths of requests that are no inference: scrapes, health probes, and what a server says about itself.

/// The pattern of the paths, as text for `concat!`.
macro_rules! probe_paths {
    () => {
        "(.*/)?(metrics|health(z|check|_generate)?(/.*)?|livez?|live(li)?ness|readyz?|readiness|startup|ping|version|\
         info|props|v1/models)/?|None"
    };
}

/// A metric without the requests of probes, which `label` tells by their path; `matchers` are further ones.
macro_rules! without_probes {
    ($name:literal, $label:literal) => {
        concat!($name, "{", $label, "!~\"", probe_paths!(), "\"}")
    };
    ($name:literal, $label:literal, $matchers:literal) => {
        concat!($name, "{", $matchers, ",", $label, "!~\"", probe_paths!(), "\"}")
    };
}

/// A pattern of the paths of requests that are no inference. Frameworks write `None` for requests to no route of theirs.
pub const PROBE_PATHS: &str = probe_paths!();
