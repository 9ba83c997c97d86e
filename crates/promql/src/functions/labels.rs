//! `label_replace` and `label_join`: new labels, the same values.
use super::arg;
use crate::ast::{Call, Expr};
use crate::eval::{Evaluator, Frame, Steps, is_label_name};
use crate::pattern::anchored;
use crate::{Error, Labels};

impl Evaluator<'_> {
    pub(super) fn label_replace(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        let target = target_name(call)?;
        let (replacement, source) = (arg(call, 2)?.text()?, arg(call, 3)?.text()?);
        let pattern = arg(call, 4)?.text()?;
        let regex = anchored(pattern)
            .map_err(|_| Error::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
        let replacement = braced(replacement);
        self.relabelled(arg(call, 0)?, steps, target, &mut |labels| {
            let captures = regex.captures(labels.get(source).unwrap_or_default())?;
            let mut value = String::new();
            captures.expand(&replacement, &mut value);
            Some(value)
        })
    }

    pub(super) fn label_join(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        let target = target_name(call)?;
        let separator = arg(call, 2)?.text()?;
        let sources = call.args.iter().skip(3).map(Expr::text).collect::<Result<Vec<&str>, Error>>()?;
        self.relabelled(arg(call, 0)?, steps, target, &mut |labels| {
            let values: Vec<&str> = sources.iter().map(|source| labels.get(source).unwrap_or_default()).collect();
            Some(values.join(separator))
        })
    }

    /// The series of `of` with the value that `relabel` gives for the label `target`, or as they are where it gives none.
    fn relabelled(
        &self,
        of: &Expr,
        steps: Steps,
        target: &str,
        relabel: &mut dyn FnMut(&Labels) -> Option<String>,
    ) -> Result<Frame, Error> {
        let mut frame = Frame::new(&self.meter);
        self.stream(of, steps, &mut |row| {
            let mut labels = row.to_labels();
            if let Some(value) = relabel(&labels) {
                // Other labels share their text with the store; this one may be as long as a query can make it.
                frame.hold(value.len())?;
                self.meter.work(value.len())?;
                labels = labels.with(target, &value);
            }
            frame.push(labels, std::mem::take(row.values))
        })?;
        frame.merge_equal_labels()?;
        Ok(frame)
    }
}

fn target_name(call: &Call) -> Result<&str, Error> {
    let name = arg(call, 1)?.text()?;
    if is_label_name(name) {
        return Ok(name);
    }
    Err(Error::Execution(format!("invalid destination label name in {}(): {name}", call.name)))
}

/// `$name` as `${name}`: how far such a name reaches differs between Go's templates and those of the crate `regex`,
/// which read brackets there.
fn braced(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if let Some(tail) = rest.strip_prefix('$') {
            text.push_str("$$");
            rest = tail;
        } else if name > 0 {
            text.push_str(&format!("${{{}}}", &rest[..name]));
            rest = &rest[name..];
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
    fn templates_name_groups_as_in_go() {
        for (template, braced_template) in
            [("$1-x", "${1}-x"), ("$1x", "${1x}"), ("${1}x", "${1}x"), ("a$$b", "a$$b"), ("cost: $", "cost: $$")]
        {
            assert_eq!(braced(template), braced_template);
        }
    }
}
