//! How to ask: the types of the Prometheus HTTP API.
