//! What the texts of one request share: the limits on selectors, matchers and patterns, and the patterns themselves.
use super::{cursor, lexer};
use crate::limits::{Interrupt, Interruption, Limits, Options, Reservation};
use crate::pattern::Pattern;
use crate::selector::Selector;
use crate::{Error, Query};
use std::collections::HashMap;
use std::sync::Arc;

/// Parses the texts of one request. Compiling patterns is what takes time and memory: each distinct one is compiled once,
/// their memory is taken out of the pool of all requests, and the caller can interrupt it.
pub(super) struct RequestParser<'o> {
    options: &'o Options,
    interrupt: Interrupt<'o>,
    selectors: usize,
    matchers: usize,
    patterns: HashMap<String, Pattern>,
    pattern_bytes: u64,
    memory: Option<Reservation>,
}

/// The series that a request selects, with the memory that its patterns hold.
#[derive(Debug)]
pub struct SelectedSeries {
    /// Selects the series of every text. It has no alternative if there was no text.
    pub selector: Selector,
    _memory: Option<Reservation>,
}

impl<'o> RequestParser<'o> {
    pub(super) fn new(options: &'o Options, interrupt: Interrupt<'o>) -> Self {
        Self { options, interrupt, selectors: 0, matchers: 0, patterns: HashMap::new(), pattern_bytes: 0, memory: None }
    }

    pub(super) fn limits(&self) -> &'o Limits {
        &self.options.limits
    }

    /// Parses one text. The memory of its patterns is not part of the query yet.
    fn text(&mut self, text: &str) -> Result<Query, Error> {
        self.check_interrupt()?;
        let tokens = lexer::tokens(text, self.limits())?;
        let mut parser = cursor::Parser::new(text, tokens, self);
        Ok(Query { expr: parser.query()?, memory: None })
    }

    pub(super) fn query(mut self, text: &str) -> Result<Query, Error> {
        let query = self.text(text)?;
        Ok(Query { memory: self.memory.map(Arc::new), ..query })
    }

    pub(super) fn selectors<'t>(mut self, texts: impl Iterator<Item = &'t str>) -> Result<SelectedSeries, Error> {
        let mut any_of = Vec::new();
        for text in texts {
            let query = self.text(text)?;
            let selector = query.as_selector().ok_or_else(|| Error::NotASelector(excerpt(text)))?;
            any_of.extend(selector.any_of.iter().cloned());
        }
        Ok(SelectedSeries { selector: Selector { any_of }, _memory: self.memory })
    }

    pub(super) fn count_selector(&mut self) -> Result<(), Error> {
        self.selectors += 1;
        let limit = self.limits().selectors;
        if self.selectors > limit { Err(Error::TooManySelectors { limit }) } else { Ok(()) }
    }

    pub(super) fn count_matcher(&mut self) -> Result<(), Error> {
        self.matchers += 1;
        let limit = self.limits().matchers;
        if self.matchers > limit { Err(Error::TooManyMatchers { limit }) } else { Ok(()) }
    }

    /// The compiled form of `source`; equal expressions share it.
    pub(super) fn pattern(&mut self, source: &str) -> Result<Pattern, Error> {
        if let Some(pattern) = self.patterns.get(source) {
            return Ok(pattern.clone());
        }
        let &Limits { patterns, pattern_bytes, .. } = self.limits();
        if self.patterns.len() >= patterns {
            return Err(Error::TooManyPatterns { limit: patterns });
        }
        self.check_interrupt()?;
        let pattern = Pattern::new(source)?;
        let size_bytes = pattern.size_bytes() as u64;
        self.pattern_bytes += size_bytes;
        if self.pattern_bytes > pattern_bytes {
            return Err(Error::PatternsTooLarge { limit: pattern_bytes });
        }
        self.reserve(size_bytes)?;
        self.patterns.insert(source.to_owned(), pattern.clone());
        Ok(pattern)
    }

    fn reserve(&mut self, bytes: u64) -> Result<(), Error> {
        let Some(pool) = &self.options.pool else { return Ok(()) };
        let has_room = match &mut self.memory {
            Some(memory) => memory.grow(bytes),
            none => {
                *none = pool.reserve(bytes);
                none.is_some()
            }
        };
        if has_room { Ok(()) } else { Err(Error::Busy { limit: pool.limit_bytes() }) }
    }

    fn check_interrupt(&self) -> Result<(), Error> {
        match (self.interrupt)() {
            None => Ok(()),
            Some(Interruption::Timeout) => Err(Error::Timeout),
            Some(Interruption::Cancelled) => Err(Error::Cancelled),
        }
    }
}

/// The maximum length of a text in an error message.
const MAX_EXCERPT_BYTES: usize = 200;

fn excerpt(text: &str) -> String {
    let excerpt = &text[..text.floor_char_boundary(MAX_EXCERPT_BYTES)];
    if excerpt.len() < text.len() { format!("{excerpt}…") } else { excerpt.to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Interruption, Limits, MemoryPool, Options, parse_query, parse_selectors, uninterrupted};

    fn selectors(texts: &[String], options: &Options) -> Result<usize, Error> {
        let parsed = parse_selectors(texts.iter().map(String::as_str), options, &uninterrupted)?;
        Ok(parsed.selector.any_of.len())
    }

    fn repeated(text: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| text.replace('#', &number.to_string())).collect()
    }

    #[test]
    fn the_limits_hold_for_all_selectors_of_a_request() {
        let options =
            Options { limits: Limits { selectors: 10, matchers: 20, ..Limits::default() }, ..Options::default() };
        assert_eq!(selectors(&repeated("up", 10), &options).expect("selectors"), 10);
        assert!(matches!(selectors(&repeated("up", 11), &options), Err(Error::TooManySelectors { .. })));
        let alternatives = repeated("{a=\"b\" or c=\"d\"}", 6);
        assert!(matches!(selectors(&alternatives, &options), Err(Error::TooManySelectors { .. })));
        let matchers = repeated("{a=\"b\",c=\"d\",e=\"f\"}", 7);
        assert!(matches!(selectors(&matchers, &options), Err(Error::TooManyMatchers { .. })));
        let options = Options::default();
        assert_eq!(selectors(&repeated("{a=~\"b.+\"}", 500), &options).expect("selectors"), 500);
        assert!(matches!(selectors(&repeated("{a=~\"b.+#\"}", 65), &options), Err(Error::TooManyPatterns { .. })));
        let large = repeated(r#"{a=~"\\w{30}#"}"#, 20);
        assert!(matches!(selectors(&large, &options), Err(Error::PatternsTooLarge { .. })));
        assert!(matches!(selectors(&["sum(up)".into()], &options), Err(Error::NotASelector(_))));
    }

    #[test]
    fn patterns_take_memory_of_the_pool_while_their_query_exists() {
        let pool = MemoryPool::new(8 << 20);
        let options = Options { pool: Some(pool.clone()), ..Options::default() };
        let one = parse_query(r#"up{a=~"\\w{30}"}"#, &options, &uninterrupted).expect("a query");
        assert!(one.pattern_bytes() > 3 << 20 && pool.used_bytes() == one.pattern_bytes());
        let other = parse_query(r#"up{a=~"\\w{31}"} + up{a=~"\\w{32}"}"#, &options, &uninterrupted);
        assert!(matches!(other, Err(Error::Busy { .. })));
        drop(one);
        assert_eq!(pool.used_bytes(), 0);
    }

    #[test]
    fn parsing_can_be_interrupted() {
        let late = || Some(Interruption::Timeout);
        assert!(matches!(parse_query("up", &Options::default(), &late), Err(Error::Timeout)));
    }
}
