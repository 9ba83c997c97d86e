//! Loads the settings on a thread of their own: the storage of the configuration, or of a file that it names, may hang.
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, Settings};
use crate::threads::Threads;
use std::time::Duration;

/// How long loading may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// How many attempts may hang at a time. A later one succeeds if the file has been replaced.
const MAX_HANGING: usize = 4;

/// Loads the settings.
#[derive(Debug)]
pub struct Loader {
    args: ServeArgs,
    threads: Threads,
}

impl Loader {
    /// Loads the settings of `args`.
    pub fn new(args: ServeArgs) -> Self {
        Self { args, threads: Threads::new("configuration", MAX_HANGING) }
    }

    /// The settings as they are now.
    ///
    /// # Errors
    /// As [`Settings::load`], and if it takes too long.
    pub async fn load(&self) -> Result<Settings, ConfigError> {
        let args = self.args.clone();
        match tokio::time::timeout(MAX_TIME, self.threads.run(move || Settings::load(&args))).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(_)) => Err(ConfigError::NotRead),
            Err(_) => Err(ConfigError::Slow { limit: MAX_TIME }),
        }
    }
}
