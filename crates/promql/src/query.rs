//! A parsed query.
use crate::ast::{Edges, Expr, MatrixSelector, TimeModifiers};
use crate::limits::Reservation;
use crate::selector::Selector;
use std::fmt;
use std::sync::Arc;

/// A query that [`parse`](crate::parse) has parsed and checked. Displays as Prometheus prints it.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) expr: Expr,
    /// The memory of its patterns, if it counts towards that of all requests.
    pub(crate) memory: Option<Arc<Reservation>>,
}

impl Query {
    /// The memory in bytes that its patterns hold in the pool of all requests.
    pub fn pattern_bytes(&self) -> u64 {
        self.memory.as_ref().map_or(0, |memory| memory.bytes())
    }

    /// All selectors in the order of the text. The metric name is a matcher of `__name__`.
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut selectors = Vec::new();
        collect_selectors(&self.expr, &mut selectors);
        selectors
    }

    /// The selector if the query is an instant vector selector without modifiers, as in `match[]`.
    pub fn as_selector(&self) -> Option<&Selector> {
        match &self.expr {
            Expr::VectorSelector(vector)
                if vector.modifiers == TimeModifiers::default() && vector.edges == Edges::Plain =>
            {
                Some(&vector.selector)
            }
            _ => None,
        }
    }
}

fn collect_selectors<'e>(expr: &'e Expr, selectors: &mut Vec<&'e Selector>) {
    match expr {
        Expr::VectorSelector(vector) | Expr::MatrixSelector(MatrixSelector { vector, .. }) => {
            selectors.push(&vector.selector);
        }
        _ => expr.for_each_child(&mut |child| collect_selectors(child, selectors)),
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
