//! The details of a graph where there are too many to draw them one by one: the highest lines, and what the rest is like.
use super::QueryContext;
use super::changes::ALL_LINE;
use super::context::{MAX_QUERY_BYTES, RenderedContext};
use super::graph::{data_and_limits, present_recipes};
use super::window::{BOUND_LABEL, LOWER_BOUND, UPPER_BOUND};
use crate::promql_text::{labelled, named};
use crate::scope::one_of;
use crate::{Graph, LINE_LABEL};

/// The name of the lines that stand for those that are not drawn one by one: their sum and, by [`BOUND_LABEL`], the lowest
/// and the highest of them.
pub const REST_LINE: &str = "the rest";

/// The label of the lines that are drawn one by one.
const TOP_LABEL: &str = "top";

/// An instant query for the highest lines of a graph's details, and the number of all as [`ALL_LINE`]. None if there are no
/// details.
pub fn highest_lines_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    max_lines: usize,
) -> Option<String> {
    let (data, _) = details(graph, present, context)?;
    Some(format!("topk({max_lines}, {data}) or {}", named(&format!("count({data})"), ALL_LINE)))
}

/// The query of a graph's details of which only the first of `names` are drawn one by one, as many as the length of a query
/// allows; `has_rest` adds [`REST_LINE`]. With the number of those lines. None if there are no details, or if not even a
/// few lines can be named.
pub fn highest_details_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    names: &[String],
    has_rest: bool,
) -> Option<(String, usize)> {
    let (data, limits) = details(graph, present, context)?;
    let mut count = names.len();
    while count > 0 {
        let query = of_names(&data, limits.as_deref(), &names[..count], has_rest);
        if query.len() <= MAX_QUERY_BYTES {
            return Some((query, count));
        }
        count /= 2;
    }
    None
}

/// The expressions of the details' data and limits.
fn details(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
) -> Option<(String, Option<String>)> {
    let context = RenderedContext { detail: Some(graph.detail), ..RenderedContext::new(context, present) };
    let all = present_recipes(graph, &context, &|(engine, _)| engine.reexports.is_none());
    data_and_limits(graph, &all, &context)
}

fn of_names(data: &str, limits: Option<&str>, names: &[String], has_rest: bool) -> String {
    let marked = format!("label_replace({data}, \"{TOP_LABEL}\", \"1\", \"{LINE_LABEL}\", {})", one_of(names));
    let top = format!("on ({TOP_LABEL}) {}", labelled("vector(1)", TOP_LABEL, "1"));
    let mut query = format!("{marked} and {top}");
    if has_rest {
        let rest = |operator: &str| named(&format!("{operator}({marked} unless {top})"), REST_LINE);
        let (low, high) =
            (labelled(&rest("min"), BOUND_LABEL, LOWER_BOUND), labelled(&rest("max"), BOUND_LABEL, UPPER_BOUND));
        query += &format!(" or {} or {low} or {high}", rest("sum"));
    }
    limits.into_iter().fold(query, |query, limits| format!("{query} or {limits}"))
}
