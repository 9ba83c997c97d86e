//! A query that has been read and checked.
use crate::Selector;
use crate::ast::{Expr, Shift};
use std::fmt;

/// A query, read and checked by [`parse`](crate::parse); prints as Prometheus prints it.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) expr: Expr,
}

impl Query {
    /// What the query selects, in the order of the text; the metric's name is a matcher of `__name__`.
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut selectors = Vec::new();
        collect(&self.expr, &mut selectors);
        selectors
    }

    /// What the query selects, where it is a selector and nothing else, without a range, `offset` or `@`: what Prometheus
    /// takes as `match[]`.
    pub fn as_selector(&self) -> Option<&Selector> {
        match &self.expr {
            Expr::Select(select) if select.shift == Shift::default() => Some(&select.selector),
            _ => None,
        }
    }
}

fn collect<'e>(expr: &'e Expr, selectors: &mut Vec<&'e Selector>) {
    match expr {
        Expr::Select(select) | Expr::Window(select, _) => selectors.push(&select.selector),
        _ => expr.for_each_part(&mut |part| collect(part, selectors)),
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
