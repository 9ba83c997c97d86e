//! From the unit of a metric's name to that of its graph, and the unit that values betray.
use super::PAGE_LABEL;

/// How far back values are looked at to tell their unit.
const EVIDENCE: &str = "1h";

/// The values of `expr` in the unit of their graph. `selector` selects the same series, and `conversion` is as
/// [`crate::Names`] describes it.
pub(super) fn converted(expr: &str, selector: &str, conversion: &str) -> String {
    let highest = || format!("max by ({PAGE_LABEL}) (max_over_time({selector}[{EVIDENCE}]))");
    match conversion {
        "" => expr.to_owned(),
        // Percentages are whole numbers: a page whose values never exceed one, with fractions among them, has shares.
        "percent" => format!(
            "({expr} * 0.01 unless on ({PAGE_LABEL}) ({} <= 1 and sum by ({PAGE_LABEL}) \
             (sum_over_time({selector}[{EVIDENCE}]) % 1 + {selector} % 1) > 0) or {expr})",
            highest()
        ),
        "share" => format!("({expr} unless on ({PAGE_LABEL}) ({} > 1.5) or {expr} * 0.01)", highest()),
        factor => match expr.contains(" on (") {
            true => format!("({expr}) {factor}"),
            false => format!("{expr} {factor}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_binds_before_set_operations() {
        assert_eq!(converted("a{}", "a{}", ""), "a{}");
        assert_eq!(converted("rate(a{}[1m])", "a{}", "* 1e6"), "rate(a{}[1m]) * 1e6");
        assert_eq!(converted("a{} unless on (x) b", "a{}", "* 2"), "(a{} unless on (x) b) * 2");
    }
}
