//! What a query is narrowed to and measured over.
use std::fmt::Write;

/// The label names by which a backend tells the four scope words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeLabels {
    /// Name of the label that holds the model.
    pub model: String,
    /// … the environment.
    pub environment: String,
    /// … the deployment.
    pub deployment: String,
    /// … the replica.
    pub replica: String,
}

impl Default for ScopeLabels {
    /// The names that the companion attaches.
    fn default() -> Self {
        Self {
            model: "model".into(),
            environment: "environment".into(),
            deployment: "deployment".into(),
            replica: "replica".into(),
        }
    }
}

impl ScopeLabels {
    /// What a server has that was told of no names: what it attaches to each target itself, and what vLLM calls models.
    pub fn of_prometheus() -> Self {
        Self { model: "model_name".into(), deployment: "job".into(), replica: "instance".into(), ..Self::default() }
    }

    /// The four names, widest scope first.
    pub fn all(&self) -> [&str; 4] {
        [&self.model, &self.environment, &self.deployment, &self.replica]
    }
}

/// What is selected; none means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// One model.
    pub model: Option<String>,
    /// One environment.
    pub environment: Option<String>,
    /// One deployment.
    pub deployment: Option<String>,
    /// One replica.
    pub replica: Option<String>,
}

impl Scope {
    /// Matchers without braces, such as `model="a",replica="b"`; empty when nothing is selected.
    pub fn matchers(&self, labels: &ScopeLabels) -> String {
        let selected = [&self.model, &self.environment, &self.deployment, &self.replica];
        let mut text = String::new();
        for (name, value) in labels.all().into_iter().zip(selected) {
            if let Some(value) = value {
                let comma = if text.is_empty() { "" } else { "," };
                let _ = write!(text, "{comma}{name}={}", quoted(value));
            }
        }
        text
    }

    /// As [`Scope::matchers`], but passing series that lack a label: those of machines, which may be labelled with what
    /// runs on them or not. Narrowed to a replica only if `is_replica`, as a machine may carry several.
    pub(crate) fn lenient_matchers(&self, labels: &ScopeLabels, is_replica: bool) -> String {
        let replica = if is_replica { &self.replica } else { &None };
        let selected = [&self.model, &self.environment, &self.deployment, replica];
        let parts = labels.all().into_iter().zip(selected).filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some(format!("{name}=~{}", quoted(&format!("|{}", escaped(value)))))
        });
        parts.collect::<Vec<_>>().join(",")
    }
}

/// A regular expression that matches exactly this text.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// A PromQL string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// What a graph's query is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The selection.
    pub scope: &'a Scope,
    /// How the backend names it.
    pub labels: &'a ScopeLabels,
    /// The window of a rate, in milliseconds.
    pub window_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_inside_their_quotes() {
        let scope = Scope { model: Some("a\"} or vector(1) #\\\n\u{7}".into()), ..Scope::default() };
        assert_eq!(scope.matchers(&ScopeLabels::default()), r#"model="a\"} or vector(1) #\\\n\u0007""#);
    }

    #[test]
    fn machines_pass_without_the_label_or_with_the_very_value() {
        let scope = Scope { model: Some("a.b|c".into()), replica: Some("r".into()), ..Scope::default() };
        assert_eq!(scope.lenient_matchers(&ScopeLabels::default(), false), r#"model=~"|a\\.b\\|c""#);
    }

    #[test]
    fn matchers_follow_the_backends_names() {
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let scope = Scope { model: Some("m".into()), replica: Some("r".into()), ..Scope::default() };
        assert_eq!(scope.matchers(&labels), r#"model="m",pod="r""#);
        assert_eq!(Scope::default().matchers(&labels), "");
    }
}
