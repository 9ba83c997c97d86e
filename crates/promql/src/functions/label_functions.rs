//! `label_replace` and `label_join`.
use crate::ast::{Call, Expr};
use crate::eval::{Evaluator, StepMatrix, Steps};
use crate::labels::is_label_name;
use crate::pattern::{compile_anchored, size_bytes};
use crate::{Error, Labels};

impl Evaluator<'_> {
    pub(super) fn label_replace(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        let destination = destination_label(call)?;
        let (replacement, source) = (call.arg(2)?.text()?, call.arg(3)?.text()?);
        let pattern = call.arg(4)?.text()?;
        let regex = compile_anchored(pattern)
            .map_err(|_| Error::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
        let mut memory = self.budget.memory_charge();
        memory.add_bytes(size_bytes(&regex))?;
        let replacement = brace_group_names(replacement);
        let mut captures = regex.create_captures();
        self.relabel(call.arg(0)?, steps, destination, &mut |labels| {
            let text = labels.get(source).unwrap_or_default();
            regex.captures(text, &mut captures);
            let mut value = String::new();
            captures.is_match().then(|| captures.interpolate_string_into(text, &replacement, &mut value))?;
            Some(value)
        })
    }

    pub(super) fn label_join(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        let destination = destination_label(call)?;
        let separator = call.arg(2)?.text()?;
        let sources = call.args.iter().skip(3).map(Expr::text).collect::<Result<Vec<&str>, Error>>()?;
        self.relabel(call.arg(0)?, steps, destination, &mut |labels| {
            let values: Vec<&str> = sources.iter().map(|source| labels.get(source).unwrap_or_default()).collect();
            Some(values.join(separator))
        })
    }

    /// The series of `expr` with the label `destination` set to the result of `value_of`, or unchanged if that is `None`.
    fn relabel(
        &self,
        expr: &Expr,
        steps: Steps,
        destination: &str,
        value_of: &mut dyn FnMut(&Labels) -> Option<String>,
    ) -> Result<StepMatrix, Error> {
        let mut result = StepMatrix::new(&self.budget);
        self.stream(expr, steps, &mut |row| {
            let mut labels = row.to_labels();
            if let Some(value) = value_of(&labels) {
                // Other labels share their strings with the storage; this one is new and may be long.
                result.charge_bytes(value.len())?;
                self.budget.count_work(value.len())?;
                labels = labels.with(destination, &value);
            }
            result.push(labels, std::mem::take(row.values))
        })?;
        result.merge_equal_labels()?;
        Ok(result)
    }
}

fn destination_label(call: &Call) -> Result<&str, Error> {
    let name = call.arg(1)?.text()?;
    if is_label_name(name) {
        return Ok(name);
    }
    Err(Error::Execution(format!("invalid destination label name in {}(): {name}", call.name)))
}

/// Rewrites `$name` to `${name}`. Without braces, Go's templates and those of the crate `regex` disagree on where a name
/// ends.
fn brace_group_names(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(index) = rest.find('$') {
        text.push_str(&rest[..index]);
        rest = &rest[index + 1..];
        let name_length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if let Some(tail) = rest.strip_prefix('$') {
            text.push_str("$$");
            rest = tail;
        } else if name_length > 0 {
            text.push_str(&format!("${{{}}}", &rest[..name_length]));
            rest = &rest[name_length..];
        } else {
            text.push_str(if rest.starts_with('{') { "$" } else { "$$" });
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_in_templates_end_as_in_go() {
        for (template, expected) in
            [("$1-x", "${1}-x"), ("$1x", "${1x}"), ("${1}x", "${1}x"), ("a$$b", "a$$b"), ("cost: $", "cost: $$")]
        {
            assert_eq!(brace_group_names(template), expected);
        }
    }
}
