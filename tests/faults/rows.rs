//! The rows in order, with what tries each.
use crate::outcome::Outcome;
use crate::requests::{browsers, connections, leaks, paths, queries};
use crate::targets::{contents, transport};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) run: fn() -> Outcome,
}

const fn row(id: &'static str, title: &'static str, run: fn() -> Outcome) -> Row {
    Row { id, title, run }
}

/// All rows but those about logins (S09, S11, S42, S43), packages (S70) and TLS of the server's own.
pub(crate) const ROWS: &[Row] = &[
    row("S01", "no address of a request is fetched", leaks::no_address_is_fetched),
    row("S02", "no redirect to another origin is followed", leaks::no_redirect_is_followed),
    row("S03", "credentials stay with their origin", leaks::no_redirect_is_followed),
    row("S04", "no secret is in answers, log or files", leaks::no_secret_gets_out),
    row("S05", "no target repeats its secret", leaks::no_secret_comes_back),
    row("S06", "other host names are refused", browsers::other_hosts_are_refused),
    row("S07", "other origins read nothing", browsers::other_origins_read_nothing),
    row("S08", "other sites change and cost nothing", browsers::other_sites_do_nothing),
    row("S10", "framing is restricted", browsers::headers_are_exact),
    row("S12", "messages between frames are checked", || Outcome::elsewhere("tests/page/embedding.rs")),
    row("S20", "hostile texts are shown, not run", || Outcome::elsewhere("tests/page/hostile.rs")),
    row("S21", "no HTML is made of texts", || Outcome::elsewhere("tests/page/hostile.rs")),
    row("S22", "the content security policy is exact", browsers::headers_are_exact),
    row("S23", "embeds work in a sandbox", || Outcome::elsewhere("tests/page/embedding.rs")),
    row("S24", "content types are exact", browsers::headers_are_exact),
    row("S25", "cells of exported tables are no formulas", || Outcome::elsewhere("src/ui/kit/csv.rs")),
    row("S30", "no path reaches a file", paths::no_path_reaches_a_file),
    row("S31", "a path has one form", paths::paths_have_one_form),
    row("S32", "nothing redirects elsewhere", paths::nothing_redirects),
    row("S33", "headers and log take no injection", paths::nothing_is_injected),
    row("S40", "nothing is for debugging", paths::nothing_is_for_debugging),
    row("S41", "the network is closed unless opened", paths::the_network_is_closed),
    row("S50", "deep queries", queries::deep_queries),
    row("S51", "long labels", queries::long_labels),
    row("S52", "200 heavy queries at once", queries::heavy_queries),
    row("S53", "odd steps", queries::odd_steps),
    row("S54", "costly patterns", queries::costly_patterns),
    row("S55", "long answers", queries::long_answers),
    row("S60", "slow clients", connections::slow_clients),
    row("S61", "other protocols", connections::other_protocols),
    row("S62", "large bodies", connections::large_bodies),
    row("S63", "odd requests leave nothing", connections::odd_requests_leave_nothing),
    row("S64", "ambiguous requests", connections::ambiguous_requests),
    row("S65", "caches keep nothing", browsers::caches_keep_nothing),
    row("S66", "what is at rest is private", paths::what_is_at_rest_is_private),
    row("S71", "changed files of the page do not run", || Outcome::elsewhere("tests/page/hosting.rs")),
    row("T01", "a gzip bomb", transport::bomb),
    row("T02", "a page without an end", transport::endless_page),
    row("T03", "a byte a second", transport::slow_page),
    row("T04", "1,000 targets that hang", transport::hanging_targets),
    row("T05", "a handshake that hangs", transport::hanging_handshake),
    row("T06", "a line of 100 MB", transport::long_line),
    row("T07", "labels beyond any limit", contents::labels),
    row("T08", "an explosion of series", contents::explosion),
    row("T09", "all series are new in each scrape", contents::churn),
    row("T10", "duplicates and conflicts", contents::odd_samples),
    row("T11", "odd timestamps", contents::odd_samples),
    row("T12", "odd values", contents::odd_samples),
    row("T13", "bytes that are no text", contents::odd_bytes),
    row("T14", "bad OpenMetrics documents", contents::bad_documents),
    row("T15", "content types that lie", contents::content_types),
    row("T16", "half documents", transport::half_documents),
    row("T17", "100 flapping targets", transport::flapping),
    row("T18", "impersonation", contents::impersonation),
    row("T19", "redirects of targets", leaks::no_redirect_is_followed),
    row("T20", "refusals with long bodies", transport::refusals),
    row("T21", "encodings that were not asked for", transport::encodings),
    row("T22", "heads that are malformed", transport::heads),
    row("T23", "names that do not resolve", transport::lookups),
    row("T24", "counters that are set back", contents::resets),
    row("F5", "24 hostile targets at once", transport::all_at_once),
];
