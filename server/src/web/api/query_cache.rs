//! A cache of parsed queries: the page sends the same ones at every refresh.
use parking_lot::Mutex;
use promql::{Error, Interrupt, MatchOp, Options, Query};
use std::collections::HashMap;
use std::sync::Arc;

/// The maximum number of cached queries, enough for a few pages with many cards.
const MAX_QUERIES: usize = 256;

/// The longest query text that is cached.
const MAX_TEXT_BYTES: usize = 2048;

/// The most memory that the patterns of a cached query hold. It counts towards that of the client that sent it first.
const MAX_PATTERN_BYTES: u64 = 64 << 10;

/// Parsed queries by their text.
#[derive(Default)]
pub(crate) struct QueryCache(Mutex<HashMap<String, Arc<Query>>>);

impl QueryCache {
    /// The parsed query of `text`.
    ///
    /// # Errors
    /// As [`promql::parse_query`].
    pub(crate) fn get_or_parse(
        &self,
        text: &str,
        options: &Options,
        interrupt: Interrupt<'_>,
    ) -> Result<Arc<Query>, Error> {
        let cached = self.0.lock().get(text).cloned();
        if let Some(query) = cached {
            return Ok(query);
        }
        let query = Arc::new(promql::parse_query(text, options, interrupt)?);
        if text.len() <= MAX_TEXT_BYTES && query.pattern_bytes() <= MAX_PATTERN_BYTES && is_small(&query) {
            let mut queries = self.0.lock();
            // This is rare, and costs each query one parse.
            if queries.len() >= MAX_QUERIES {
                queries.clear();
            }
            queries.insert(text.to_owned(), Arc::clone(&query));
        }
        Ok(query)
    }
}

/// Whether the query contains no compiled pattern: a short text can compile to megabytes.
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
    use promql::{MemoryPool, uninterrupted};

    fn parse(cache: &QueryCache, text: &str) -> Result<Arc<Query>, Error> {
        let options = Options { pool: Some(MemoryPool::new(64 << 20)), ..Options::default() };
        cache.get_or_parse(text, &options, &uninterrupted)
    }

    fn is_cached(cache: &QueryCache, text: &str) -> bool {
        let query = || parse(cache, text).expect("a query");
        Arc::ptr_eq(&query(), &query())
    }

    #[test]
    fn short_queries_without_compiled_patterns_are_parsed_once() {
        let cache = QueryCache::default();
        assert!(is_cached(&cache, "sum(rate(a{b=~\"c|d\"}[1m]))"));
        assert!(!is_cached(&cache, "a{b=~\".+\"}"));
        assert!(!is_cached(&cache, &format!("a{{b={:?}}}", "b".repeat(MAX_TEXT_BYTES))));
        let set = "(a|b|c|d|e|f)".repeat(4);
        assert!(!is_cached(&cache, &format!("a{{b=~\"{set}\"}}")));
        assert!(parse(&cache, "sum(").is_err());
        assert_eq!(parse(&cache, "a{b=\"c\"}").expect("a query").to_string(), "a{b=\"c\"}");
    }

    #[test]
    fn the_number_of_cached_queries_is_bounded() {
        let cache = QueryCache::default();
        (0..3 * MAX_QUERIES).for_each(|n| assert!(is_cached(&cache, &format!("a + {n}"))));
        assert!(cache.0.lock().len() <= MAX_QUERIES);
    }
}
