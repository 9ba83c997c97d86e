//! Parsing: text to tokens, tokens to the syntax tree, with the checks of types and the limits.
mod aggregate;
mod binary;
mod cursor;
mod duration;
mod expression;
mod lexer;
mod matcher;
mod number;
mod selector;

use crate::{Error, Limits, Query};

/// Parses a query.
///
/// # Errors
/// If the text exceeds a limit, is not PromQL, or uses syntax that is not supported.
pub fn parse(text: &str, limits: &Limits) -> Result<Query, Error> {
    let tokens = lexer::tokens(text, limits)?;
    let mut parser = cursor::Parser::new(text, tokens, limits);
    Ok(Query { expr: parser.query()? })
}
