//! Rules that take scope labels from the labels of a metrics page.

/// For each scope label, the page's labels that may supply its value, in order of preference. They apply to each series
/// separately, and only if neither the target nor the series has the scope label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopeRules {
    /// Labels that name the model. If a page names only one model, all its series get it.
    pub model: Vec<String>,
    /// Labels that name the environment.
    pub environment: Vec<String>,
    /// Labels that name the deployment.
    pub deployment: Vec<String>,
    /// Labels that name the replica.
    pub replica: Vec<String>,
}

impl Default for ScopeRules {
    /// The labels of inference engines.
    fn default() -> Self {
        let (environment, deployment, replica) = (Vec::new(), Vec::new(), Vec::new());
        Self { model: vec!["model_name".into()], environment, deployment, replica }
    }
}
