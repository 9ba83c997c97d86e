//! What of PromQL there is, under the names of Prometheus's `/api/v1/features`.
//!
//! Source: `promql/parser/features.go` and `cmd/prometheus/testdata/features.json` of Prometheus 3.
use crate::functions;

/// Parts of the language.
const LANGUAGE: [(&str, bool); 22] = [
    ("anchored", true),
    ("at_modifier", true),
    ("bool", true),
    ("by", true),
    ("delayed_name_removal", false),
    ("duration_expr", true),
    ("fill", true),
    ("fill_left", true),
    ("fill_right", true),
    ("group_left", true),
    ("group_right", true),
    ("ignoring", true),
    ("negative_offset", true),
    ("offset", true),
    ("on", true),
    ("per_query_lookback_delta", true),
    ("per_step_stats", false),
    ("smoothed", true),
    ("subqueries", true),
    ("type_and_unit_labels", false),
    ("use_start_timestamps", false),
    ("without", true),
];

/// Operators and aggregations.
const OPERATORS: [(&str, bool); 35] = [
    ("!=", true),
    ("!~", true),
    ("%", true),
    ("*", true),
    ("+", true),
    ("-", true),
    ("/", true),
    ("<", true),
    ("</", false),
    ("<=", true),
    ("==", true),
    ("=~", true),
    (">", true),
    (">/", false),
    (">=", true),
    ("@", true),
    ("^", true),
    ("and", true),
    ("atan2", true),
    ("avg", true),
    ("bottomk", true),
    ("count", true),
    ("count_values", true),
    ("group", true),
    ("limit_ratio", false),
    ("limitk", false),
    ("max", true),
    ("min", true),
    ("or", true),
    ("quantile", true),
    ("stddev", true),
    ("stdvar", true),
    ("sum", true),
    ("topk", true),
    ("unless", true),
];

/// The features by category: their names, and whether they are there.
#[derive(Clone, Debug)]
pub struct Features {
    /// Parts of the language, such as `anchored`: the category `promql`.
    pub language: Vec<(&'static str, bool)>,
    /// The category `promql_functions`.
    pub functions: Vec<(&'static str, bool)>,
    /// Operators and aggregations: the category `promql_operators`.
    pub operators: Vec<(&'static str, bool)>,
}

impl Features {
    /// The features of this crate.
    pub fn own() -> Self {
        Self { language: LANGUAGE.into(), functions: functions::all().collect(), operators: OPERATORS.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    #[test]
    fn what_is_claimed_is_there_and_what_is_denied_is_not() {
        let accepts = |query: &str| parse(query, &Limits::default()).is_ok();
        for (name, is_there) in OPERATORS {
            let query = match name {
                "=~" | "!~" => format!("{{a=\"b\", c{name}\"d\"}}"),
                "@" => "x @ 5".to_owned(),
                "quantile" | "topk" | "bottomk" | "limitk" | "limit_ratio" => format!("{name}(1, x)"),
                "count_values" => "count_values(\"a\", x)".to_owned(),
                "avg" | "count" | "group" | "max" | "min" | "stddev" | "stdvar" | "sum" => format!("{name}(x)"),
                _ => format!("x {name} y"),
            };
            assert_eq!(accepts(&query), is_there, "{query}");
        }
        for query in [
            "rate(x[5m] anchored)",
            "x @ 5",
            "x == bool 1",
            "sum by (a) (x)",
            "x[5m*2]",
            "x + fill (1) y",
            "x + fill_left (1) y",
            "x + fill_right (1) y",
            "x + on (a) group_left y",
            "x + ignoring (a) group_right y",
            "x offset -5m",
            "x smoothed",
            "x[5m:1m]",
            "sum without (a) (x)",
        ] {
            assert!(accepts(query), "{query}");
        }
    }
}
