//! Parsing: a pre-lexer that enforces limits, then `promql-parser`, then conversion to our own syntax tree.
mod convert;
mod number;
mod prelex;

use crate::{Error, Limits, Query};

/// Parses a query.
///
/// # Errors
/// If the text exceeds a limit, is not PromQL, or uses syntax that is not supported.
pub fn parse(text: &str, limits: &Limits) -> Result<Query, Error> {
    let prelexed = prelex::prelex(text, limits)?;
    let parsed = promql_parser::parser::parse(&prelexed.text).map_err(Error::Syntax)?;
    Ok(Query { expr: convert::Converter { patterns: &prelexed.patterns }.expr(&parsed)? })
}
