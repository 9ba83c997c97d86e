//! The labels of `absent` and `absent_over_time`.
use crate::ast::Expr;
use crate::{Labels, METRIC_NAME, MatchOp};
use std::collections::HashMap;

/// The labels that the selector determines: those compared with `=`, unless another matcher of the same label follows.
pub(crate) fn absent_labels(expr: &Expr) -> Labels {
    let vector = match expr.without_parens() {
        Expr::VectorSelector(vector) => vector,
        Expr::MatrixSelector(matrix) => &matrix.vector,
        _ => return Labels::default(),
    };
    let [matchers] = vector.selector.any_of.as_slice() else { return Labels::default() };
    let mut values: HashMap<&str, &str> = HashMap::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let is_new = !values.contains_key(matcher.name.as_str());
        let is_equal = matches!(matcher.op, MatchOp::Equal);
        // As in Prometheus, an empty value, which the labels omit, excludes the label from here on; a matcher before the
        // first `=` does not.
        if !is_new || is_equal {
            values.insert(&matcher.name, if is_new && is_equal { matcher.value.as_str() } else { "" });
        }
    }
    Labels::from_pairs(values)
}
