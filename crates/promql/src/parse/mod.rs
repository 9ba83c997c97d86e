//! From text to [`Query`]: limits first, then `promql-parser`, then a tree of our own.
mod convert;
mod number;
mod prelex;

pub(crate) use unquote::quote;

use crate::{Error, Limits, Query};

/// Reads a query.
///
/// # Errors
/// When the text exceeds a limit, is not PromQL, or uses syntax that is not offered.
pub fn parse(text: &str, limits: &Limits) -> Result<Query, Error> {
    let screened = prelex::screen(text, limits)?;
    let parsed = promql_parser::parser::parse(&screened.text).map_err(Error::Syntax)?;
    Ok(Query { expr: convert::Converter { patterns: &screened.patterns }.expr(&parsed)? })
}
