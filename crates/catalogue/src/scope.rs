//! The model, environment, deployment and replica that a query is narrowed to.
use crate::promql_text::quoted;

/// The label names that a backend uses for the four parts of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeLabels {
    /// The label of the model.
    pub model: String,
    /// The label of the environment.
    pub environment: String,
    /// The label of the deployment.
    pub deployment: String,
    /// The label of the replica.
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
    /// The labels of a plain Prometheus: those that it attaches to each target, and vLLM's label for models.
    pub fn of_prometheus() -> Self {
        Self { model: "model_name".into(), deployment: "job".into(), replica: "instance".into(), ..Self::default() }
    }

    /// The four names, widest scope first.
    pub fn all(&self) -> [&str; 4] {
        [&self.model, &self.environment, &self.deployment, &self.replica]
    }
}

/// What is selected; `None` means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// One model; the empty text for what names no model.
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
                if !text.is_empty() {
                    text.push(',');
                }
                text += &format!("{name}={}", quoted(value));
            }
        }
        text
    }

    /// As [`Scope::matchers`], but also matching series that lack a label, because series of machines need not carry the
    /// labels of what runs on them. Includes the replica only if `is_replica`, as a machine may run several.
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

/// The literal of a regular expression that matches only these texts.
pub(crate) fn one_of(texts: &[String]) -> String {
    quoted(&texts.iter().map(|text| escaped(text)).collect::<Vec<_>>().join("|"))
}

/// A regular expression that matches only this text.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_values_stay_inside_their_quotes() {
        let scope = Scope { model: Some("a\"} or vector(1) #\\\n\u{7}".into()), ..Scope::default() };
        assert_eq!(scope.matchers(&ScopeLabels::default()), r#"model="a\"} or vector(1) #\\\n\u0007""#);
    }

    #[test]
    fn lenient_matchers_accept_a_missing_label_or_the_exact_value() {
        let scope = Scope { model: Some("a.b|c".into()), replica: Some("r".into()), ..Scope::default() };
        assert_eq!(scope.lenient_matchers(&ScopeLabels::default(), false), r#"model=~"|a\\.b\\|c""#);
    }

    #[test]
    fn matchers_use_the_label_names_of_the_backend() {
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let scope = Scope { model: Some("m".into()), replica: Some("r".into()), ..Scope::default() };
        assert_eq!(scope.matchers(&labels), r#"model="m",pod="r""#);
        assert_eq!(Scope::default().matchers(&labels), "");
    }
}
