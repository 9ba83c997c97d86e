//! What follows a selector: ranges, subqueries, `offset`, `@`, `anchored` and `smoothed`.
use super::cursor::{Node, Parser};
use crate::ast::{At, Duration, Edges, Expr, MatrixSelector, Subquery, TimeModifiers, ValueType};
use crate::error::Error;

/// The largest time of the modifier `@`, in milliseconds.
const MAX_AT_MS: f64 = i64::MAX as f64;

impl Parser<'_, '_, '_> {
    /// `node` with the modifiers after it.
    pub(super) fn modifiers(&mut self, mut node: Node) -> Result<Node, Error> {
        loop {
            let position = self.position();
            if self.take("[") {
                node = self.bracket(node, position)?;
            } else if self.take("@") {
                let at = self.at()?;
                let modifiers = self.time_modifiers(&mut node, position, "@ modifier")?;
                if modifiers.at.replace(at).is_some() {
                    return Err(self.error(position, "@ <timestamp> may not be set multiple times"));
                }
            } else if self.take_word("offset") {
                let offset = self.offset()?;
                let modifiers = self.time_modifiers(&mut node, position, "offset modifier")?;
                if modifiers.offset.is_set() {
                    return Err(self.error(position, "offset may not be set multiple times"));
                }
                modifiers.offset = offset;
            } else if self.take_word("anchored") {
                self.set_edges(&mut node, position, Edges::Anchored)?;
            } else if self.take_word("smoothed") {
                self.set_edges(&mut node, position, Edges::Smoothed)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// A range or a subquery, whose opening bracket at `position` has been read.
    fn bracket(&mut self, node: Node, position: usize) -> Result<Node, Error> {
        let window = self.positive_duration()?;
        if self.take(":") {
            let step = if self.is_symbol_ahead(0, "]") { None } else { Some(self.positive_duration()?) };
            self.expect("]", "subquery selector")?;
            self.expect_type(&node, ValueType::Vector, "subquery")?;
            let inner = Box::new(node.expr);
            let subquery = Subquery { inner, window, step, modifiers: TimeModifiers::default() };
            return Ok(Node { expr: Expr::Subquery(subquery), start: node.start });
        }
        self.expect("]", "range selector")?;
        match node.expr {
            Expr::VectorSelector(vector) if vector.modifiers.offset.is_set() => {
                Err(self.error(position, "no offset modifiers allowed before range"))
            }
            Expr::VectorSelector(vector) if vector.modifiers.at.is_some() => {
                Err(self.error(position, "no @ modifiers allowed before range"))
            }
            Expr::VectorSelector(vector) => {
                Ok(Node { expr: Expr::MatrixSelector(MatrixSelector { vector, window }), start: node.start })
            }
            _ => Err(self.error(position, "ranges only allowed for vector selectors")),
        }
    }

    fn time_modifiers<'n>(
        &self,
        node: &'n mut Node,
        position: usize,
        modifier: &str,
    ) -> Result<&'n mut TimeModifiers, Error> {
        match &mut node.expr {
            Expr::VectorSelector(vector) => Ok(&mut vector.modifiers),
            Expr::MatrixSelector(matrix) => Ok(&mut matrix.vector.modifiers),
            Expr::Subquery(subquery) => Ok(&mut subquery.modifiers),
            _ => {
                let rule = "must be preceded by an instant vector selector or range vector selector or a subquery";
                Err(self.error(position, format_args!("{modifier} {rule}")))
            }
        }
    }

    fn at(&mut self) -> Result<At, Error> {
        for (name, at) in [("start", At::Start), ("end", At::End)] {
            if self.take_word(name) {
                self.expect("(", "@")?;
                self.expect(")", "@")?;
                return Ok(at);
            }
        }
        let position = self.position();
        let time_ms = (self.signed_number("@")? * 1000.0).round();
        // NaN is not below the maximum either.
        if time_ms.abs() < MAX_AT_MS {
            return Ok(At::TimeMs(time_ms as i64));
        }
        Err(self.error(position, "timestamp out of bounds for @ modifier"))
    }

    fn set_edges(&self, node: &mut Node, position: usize, edges: Edges) -> Result<(), Error> {
        let vector = match &mut node.expr {
            Expr::VectorSelector(vector) => vector,
            Expr::MatrixSelector(matrix) => &mut matrix.vector,
            _ => {
                let message = format!("{} modifier is only supported for selectors", edges.name());
                return Err(self.error(position, message));
            }
        };
        if ![Edges::Plain, edges].contains(&vector.edges) {
            return Err(self.error(position, "anchored and smoothed modifiers cannot be used together"));
        }
        vector.edges = edges;
        Ok(())
    }

    /// A duration above zero. Whether an expression is above zero is known when it is evaluated.
    fn positive_duration(&mut self) -> Result<Duration, Error> {
        let position = self.position();
        let duration = Duration::from(self.duration(0)?);
        if !duration.is_expression() && duration.ms <= 0 {
            return Err(self.error(position, "duration must be greater than 0"));
        }
        Ok(duration)
    }
}
