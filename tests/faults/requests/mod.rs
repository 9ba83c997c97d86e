//! Rows about requests: what a browser, a client or an attacker sends.
pub(crate) mod browsers;
pub(crate) mod connections;
pub(crate) mod leaks;
pub(crate) mod paths;
pub(crate) mod queries;

/// Every route of the companion that answers without a body.
pub(crate) const ROUTES: &[&str] = &[
    "/",
    "/api/v1/query?query=up",
    "/api/v1/query_range?query=up&start=0&end=60&step=1",
    "/api/v1/series?match[]=up",
    "/api/v1/labels",
    "/api/v1/label/job/values",
    "/api/v1/metadata",
    "/api/v1/query_exemplars?query=up",
    "/api/v1/format_query?query=up",
    "/api/v1/rules",
    "/api/v1/alerts",
    "/api/v1/features",
    "/api/v1/status/buildinfo",
    "/federate?match[]=up",
    "/metrics",
    "/config.json",
    "/openmetrics/none",
    "/-/healthy",
    "/-/ready",
];
