//! Shared results of expressions that occur more than once in a query.
use super::step_matrix::StepMatrix;
use super::steps::{QueryRange, Steps};
use super::windows::Windows;
use crate::ast::{Aggregate, AggregateOp, Expr, ValueType};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

/// The results of repeated expressions, each stored from its first use to its last.
///
/// Two expressions are equal if they have the same text and are evaluated at the same steps.
#[derive(Default)]
pub(crate) struct Memo {
    /// The index of each repeated expression's entry, by the expression's address in the tree, which outlives the
    /// evaluation.
    indices: HashMap<usize, usize>,
    entries: RefCell<Vec<Entry>>,
}

struct Entry {
    uses_left: usize,
    matrix: Option<Rc<StepMatrix>>,
}

/// The result of a lookup.
pub(crate) enum Lookup {
    /// The expression occurs once and is not stored.
    SingleUse,
    /// The stored result.
    Cached(Rc<StepMatrix>),
    /// The expression is not evaluated yet; the result goes to [`Memo::store`] with this index.
    FirstUse(usize),
}

impl Memo {
    /// Finds the repeated expressions within `expr`.
    pub(crate) fn plan(expr: &Expr, steps: Steps, query_range: QueryRange, default_step_ms: i64) -> Self {
        let mut planner = Planner { query_range, default_step_ms, indices: HashMap::new(), uses: Vec::new() };
        planner.visit(expr, steps);
        let mut memo = Self::default();
        let mut entries = Vec::new();
        for addresses in planner.uses.into_iter().filter(|addresses| addresses.len() > 1) {
            for address in &addresses {
                memo.indices.insert(*address, entries.len());
            }
            entries.push(Entry { uses_left: addresses.len(), matrix: None });
        }
        memo.entries = RefCell::new(entries);
        memo
    }

    pub(crate) fn lookup(&self, expr: &Expr) -> Lookup {
        let Some(&index) = self.indices.get(&address(expr)) else { return Lookup::SingleUse };
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[index];
        entry.uses_left = entry.uses_left.saturating_sub(1);
        let matrix = if entry.uses_left == 0 { entry.matrix.take() } else { entry.matrix.clone() };
        matrix.map_or(Lookup::FirstUse(index), Lookup::Cached)
    }

    pub(crate) fn store(&self, index: usize, matrix: &Rc<StepMatrix>) {
        let mut entries = self.entries.borrow_mut();
        if entries[index].uses_left > 0 {
            entries[index].matrix = Some(Rc::clone(matrix));
        }
    }
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

/// The hash of an expression's text. The texts themselves of a long query would take megabytes, as each contains those
/// of its operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TextHash(u64, u64);

impl TextHash {
    fn of(expr: &Expr) -> Self {
        let mut hasher = TextHasher(DefaultHasher::new(), DefaultHasher::new());
        // Another start makes the second hash independent of the first.
        hasher.1.write_u8(1);
        // Hashing cannot fail.
        let _ = write!(hasher, "{expr}");
        Self(hasher.0.finish(), hasher.1.finish())
    }
}

struct TextHasher(DefaultHasher, DefaultHasher);

impl Write for TextHasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        self.1.write(text.as_bytes());
        Ok(())
    }
}

struct Planner {
    query_range: QueryRange,
    default_step_ms: i64,
    /// The index in `uses` of each distinct expression.
    indices: HashMap<(TextHash, Steps), usize>,
    /// The addresses of each distinct expression.
    uses: Vec<Vec<usize>>,
}

impl Planner {
    fn visit(&mut self, expr: &Expr, steps: Steps) {
        let shareable = !matches!(expr, Expr::Paren(_)) && expr.value_type() == ValueType::Vector;
        if !shareable || !self.is_repeated(expr, steps) {
            self.visit_children(expr, steps);
        }
    }

    /// Records a use of `expr`. Returns whether it was used before; its children are then evaluated only once, with it.
    fn is_repeated(&mut self, expr: &Expr, steps: Steps) -> bool {
        let next = self.uses.len();
        let index = *self.indices.entry((TextHash::of(expr), steps)).or_insert(next);
        if index == next {
            self.uses.push(Vec::new());
        }
        self.uses[index].push(address(expr));
        index != next
    }

    fn visit_children(&mut self, expr: &Expr, steps: Steps) {
        match expr {
            Expr::Subquery(subquery) => {
                let windows = Windows::of_subquery(steps, self.query_range, subquery);
                let step_ms = subquery.step.as_ref().map_or(self.default_step_ms, |step| step.ms);
                if let Some(inner) = windows.subquery_steps(step_ms) {
                    self.visit(&subquery.inner, inner);
                }
            }
            // Folding streamed series needs far less memory than storing them to fold them twice.
            Expr::Aggregate(Aggregate { op, inner, .. })
                if !matches!(op, AggregateOp::Quantile | AggregateOp::CountValues) && inner.streams() =>
            {
                self.visit_streamed(inner, steps);
            }
            _ => expr.for_each_child(&mut |child| self.visit(child, steps)),
        }
    }

    fn visit_streamed(&mut self, expr: &Expr, steps: Steps) {
        match expr {
            Expr::Subquery(_) => self.visit_children(expr, steps),
            _ if expr.streams() => expr.for_each_child(&mut |child| self.visit_streamed(child, steps)),
            _ => self.visit(expr, steps),
        }
    }
}
