//! Matchers in braces.
use super::cursor::Parser;
use super::lexer::TokenKind;
use crate::ast::{Edges, TimeModifiers, VectorSelector};
use crate::error::Error;
use crate::labels::METRIC_NAME;
use crate::selector::{MatchOp, Matcher, Selector};

impl Parser<'_, '_, '_> {
    /// The rest of a vector selector after its metric name: matchers in braces, which are optional after a name.
    pub(super) fn vector_selector(&mut self, name: Option<String>) -> Result<VectorSelector, Error> {
        let position = self.position();
        self.count_selector()?;
        let mut any_of = if self.take("{") { self.matchers()? } else { vec![Vec::new()] };
        for matchers in &mut any_of {
            match &name {
                Some(name) => {
                    if let Some(other) = matchers.iter().find(|matcher| matcher.name == METRIC_NAME) {
                        let message = format!("metric name must not be set twice: {name:?} or {:?}", other.value);
                        return Err(self.error(position, message));
                    }
                    matchers.push(Matcher { name: METRIC_NAME.into(), op: MatchOp::Equal, value: name.clone() });
                }
                None if matchers.iter().all(|matcher| matcher.matches("")) => {
                    let message = "vector selector must contain at least one non-empty matcher";
                    return Err(self.error(position, message));
                }
                None => {}
            }
        }
        let modifiers = TimeModifiers::default();
        Ok(VectorSelector { name, selector: Selector { any_of }, edges: Edges::Plain, modifiers })
    }

    /// The matchers up to the closing brace, as alternatives that `or` separates.
    fn matchers(&mut self) -> Result<Vec<Vec<Matcher>>, Error> {
        let mut any_of = Vec::new();
        let mut all_of = Vec::new();
        if self.take("}") {
            return Ok(vec![all_of]);
        }
        loop {
            all_of.push(self.matcher()?);
            let is_last = if self.take_word("or") {
                self.count_selector()?;
                any_of.push(std::mem::take(&mut all_of));
                false
            } else {
                let has_comma = self.take(",");
                let is_closed = self.take("}");
                if !has_comma && !is_closed {
                    return Err(self.unexpected("label matching", "\",\" or \"}\""));
                }
                is_closed
            };
            if is_last {
                any_of.push(all_of);
                return Ok(any_of);
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, Error> {
        self.count_matcher()?;
        let (name, is_quoted) = match self.peek() {
            TokenKind::Word(name) => ((*name).to_owned(), false),
            TokenKind::String(name) => (name.clone(), true),
            _ => return Err(self.unexpected("label matching", "identifier or \"}\"")),
        };
        self.advance();
        let op = match self.peek() {
            TokenKind::Symbol(op @ ("=" | "!=" | "=~" | "!~")) => *op,
            // A string alone is the metric name.
            _ if is_quoted => return Ok(Matcher { name: METRIC_NAME.into(), op: MatchOp::Equal, value: name }),
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        self.advance();
        let TokenKind::String(value) = self.peek().clone() else {
            return Err(self.unexpected("label matching", "string"));
        };
        self.advance();
        let op = match op {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex(self.pattern(&value)?),
            _ => MatchOp::NotRegex(self.pattern(&value)?),
        };
        Ok(Matcher { name, op, value })
    }
}
