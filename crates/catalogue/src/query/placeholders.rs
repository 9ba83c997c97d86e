//! The placeholders in a recipe's own PromQL, see [`Shape::Raw`].
use super::presence::{alternatives, is_complete};
use super::selection::Selection;
use super::shape::Expression;
use crate::Shape;
use crate::metric_name::bare_name;
use crate::promql_text::{until_closed, with_scope};

impl Expression<'_> {
    /// PromQL with its placeholders filled in.
    pub(super) fn filled_in(&self, promql: &str) -> String {
        let context = self.context;
        let groups = self.groups(&[]);
        let by = if groups.is_empty() { String::new() } else { format!(" by ({}) ", groups.join(", ")) };
        let once = || format!("max by ({}) (", self.groups(self.recipe.once_by).join(", "));
        let promql = self.with_rates(&self.with_selections(&self.with_alternatives(promql)));
        with_scope(&promql, self.matchers())
            .replace("$machine", &context.host_matchers)
            .replace("$unless_role", &context.unless_role)
            .replace("$replica", context.replica_label)
            .replace("$by (", &format!("{by}("))
            .replace("$once(", &once())
            .replace("$window", &context.window)
            .replace("$wide_seconds", &context.wide_seconds)
            .replace("$wide", &context.wide_window)
    }

    /// PromQL with those alternatives of `$any(…)` whose metrics are present.
    fn with_alternatives(&self, promql: &str) -> String {
        let Some((before, rest)) = promql.split_once("$any(") else { return promql.to_owned() };
        let Shape::Raw { names, .. } = self.recipe.shape else { return promql.to_owned() };
        let mut present = alternatives(rest);
        present.retain(|own| is_complete(own, names, self.context.present));
        let (_, after) = until_closed(rest);
        format!("{before}{}{}", present.join(" or "), self.with_alternatives(after))
    }

    /// PromQL with the rates of counters in `$rate(…)`, as the server counts them.
    pub(super) fn with_rates(&self, promql: &str) -> String {
        let Some((before, rest)) = promql.split_once("$rate(") else { return promql.to_owned() };
        let (series, after) = until_closed(rest);
        format!("{before}{}{}", self.rate(series), self.with_rates(after))
    }

    /// PromQL with `$series(…)` written out for each selection of the recipe's series.
    fn with_selections(&self, promql: &str) -> String {
        let Some((before, rest)) = promql.split_once("$series(") else { return promql.to_owned() };
        let (inner, after) = until_closed(rest);
        let name = self.recipe.names().next().map(bare_name).unwrap_or_default();
        let part = |Selection { matchers, filter }: Selection| format!("{}{filter}", with_scope(inner, &matchers));
        let parts: Vec<String> = self.selections(name).into_iter().map(part).collect();
        format!("{before}{}{}", parts.join(" or "), self.with_selections(after))
    }
}
