//! The timeline of replicas: what each was doing when, with its filter, its legend and its table.
pub(crate) mod context;
pub(crate) mod filter;
pub(crate) mod hover;
pub(crate) mod paint;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod timeline;
