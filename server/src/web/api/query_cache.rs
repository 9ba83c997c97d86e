//! Queries that were read lately: a page asks the same ones at every refresh.
use promql::{Error, Limits, MatchOp, Query};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most queries that are kept: those of some pages with many cards.
const MOST_KEPT: usize = 256;

/// The longest text of a query that is kept.
const LONGEST_BYTES: usize = 2048;

/// Read queries by their text.
#[derive(Default)]
pub(crate) struct Parsed(Mutex<HashMap<String, Arc<Query>>>);

impl Parsed {
    /// The query of `text`.
    ///
    /// # Errors
    /// As [`promql::parse`].
    pub(crate) fn query(&self, text: &str, limits: &Limits) -> Result<Arc<Query>, Error> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let query = Arc::new(promql::parse(text, limits)?);
        if text.len() <= LONGEST_BYTES && is_small(&query) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // All of them at once, which is rare, as it costs each page one reading.
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(text.to_owned(), Arc::clone(&query));
        }
        Ok(query)
    }
}

/// Whether there is no compiled pattern in it: a few letters can make one of megabytes.
fn is_small(query: &Query) -> bool {
    let mut matchers = query.selectors().into_iter().flat_map(|selector| &selector.any_of).flatten();
    matchers.all(|matcher| match &matcher.op {
        MatchOp::Regex(pattern) | MatchOp::NotRegex(pattern) => pattern.values().is_some(),
        MatchOp::Equal | MatchOp::NotEqual => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(parsed: &Parsed, text: &str) -> bool {
        let query = || parsed.query(text, &Limits::default()).expect("a query");
        Arc::ptr_eq(&query(), &query())
    }

    #[test]
    fn short_queries_without_compiled_patterns_are_read_once() {
        let parsed = Parsed::default();
        assert!(is_kept(&parsed, "sum(rate(a{b=~\"c|d\"}[1m]))"));
        assert!(!is_kept(&parsed, "a{b=~\".+\"}"));
        assert!(!is_kept(&parsed, &format!("a{{b={:?}}}", "b".repeat(LONGEST_BYTES))));
        assert!(parsed.query("sum(", &Limits::default()).is_err());
        assert_eq!(parsed.query("a{b=\"c\"}", &Limits::default()).expect("a query").to_string(), "a{b=\"c\"}");
    }

    #[test]
    fn a_bounded_number_is_kept() {
        let parsed = Parsed::default();
        (0..3 * MOST_KEPT).for_each(|n| assert!(is_kept(&parsed, &format!("a + {n}"))));
        assert!(parsed.0.lock().is_ok_and(|kept| kept.len() <= MOST_KEPT));
    }
}
