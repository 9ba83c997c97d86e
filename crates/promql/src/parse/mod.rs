//! Parsing: text to tokens, tokens to the syntax tree, with the checks of types and the limits.
mod aggregate;
mod binary;
mod cursor;
mod duration;
mod expression;
mod lexer;
mod matcher;
mod number;
mod request;
mod selector;

pub use request::SelectedSeries;

use crate::{Error, Interrupt, Limits, Options, Query, uninterrupted};
use request::RequestParser;

/// Parses a query.
///
/// # Errors
/// If the text exceeds a limit, is not PromQL, or uses syntax that is not supported.
pub fn parse(text: &str, limits: &Limits) -> Result<Query, Error> {
    let options = Options { limits: limits.clone(), ..Options::default() };
    parse_query(text, &options, &uninterrupted)
}

/// Parses the query of a request, which holds memory of the pool of `options` for its patterns.
///
/// # Errors
/// As [`parse`], if the pool has too little left, and if it is interrupted.
pub fn parse_query(text: &str, options: &Options, interrupt: Interrupt<'_>) -> Result<Query, Error> {
    RequestParser::new(options, interrupt).query(text)
}

/// Parses the selectors of a request: instant vector selectors without modifiers, as in `match[]`. The limits of `options`
/// hold for all of them together.
///
/// # Errors
/// As [`parse_query`], and if a text is another query.
pub fn parse_selectors<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    options: &Options,
    interrupt: Interrupt<'_>,
) -> Result<SelectedSeries, Error> {
    RequestParser::new(options, interrupt).selectors(texts.into_iter())
}
