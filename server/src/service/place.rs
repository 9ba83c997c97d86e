//! Where a service is installed: for the machine or for a user, on this system or below another root.
use crate::service::ServiceError;
use clap::Args;
use std::path::{Path, PathBuf};

/// Which service is meant.
#[derive(Debug, Default, Args)]
pub struct PlaceArgs {
    /// The service of this user, without root [default for all but root]
    #[arg(long, conflicts_with = "system")]
    user: bool,
    /// The service of the machine, with a user of its own [default for root]
    #[arg(long)]
    system: bool,
    /// Work on the system below this directory, of which nothing runs
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The machine's: it starts at boot, as a user of its own.
    Machine,
    /// A user's: it starts with the user's session, or at boot if the user lingers.
    User,
}

/// A place for the service.
#[derive(Clone, Debug)]
pub struct Place {
    /// Whose service it is.
    pub scope: Scope,
    /// Whether launchd manages services here, as on macOS, rather than systemd.
    pub is_launchd: bool,
    /// The home of the user.
    home: PathBuf,
    /// Where the user's configuration is.
    user_config: PathBuf,
    root: Option<PathBuf>,
}

impl PlaceArgs {
    /// The place that the arguments and the environment say.
    ///
    /// # Errors
    /// If it is a user's, who has no home.
    pub fn resolve(&self) -> Result<Place, ServiceError> {
        let is_root = rustix::process::geteuid().is_root();
        let scope = if self.user || !self.system && !is_root { Scope::User } else { Scope::Machine };
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = variable("HOME");
        if scope == Scope::User && home.is_none() {
            return Err(ServiceError::NoHome);
        }
        let home = home.unwrap_or_else(|| "/root".into());
        let user_config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        Ok(Place { scope, is_launchd: cfg!(target_os = "macos"), home, user_config, root: self.root.clone() })
    }
}

impl Place {
    /// A place below `root`, for tests.
    #[cfg(test)]
    pub(crate) fn test(scope: Scope, is_launchd: bool, root: Option<PathBuf>) -> Self {
        Self { scope, is_launchd, home: "/home/ada".into(), user_config: "/home/ada/.config".into(), root }
    }

    /// A path of the system as a path here.
    pub fn at(&self, path: &Path) -> PathBuf {
        match (&self.root, path.strip_prefix("/")) {
            (Some(root), Ok(relative)) => root.join(relative),
            _ => path.to_owned(),
        }
    }

    /// The other root, if it is not this system's.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Whether it is a place of the running system.
    pub fn is_live(&self) -> bool {
        self.root.is_none()
    }

    /// Whether the service manager runs.
    pub fn has_manager(&self) -> bool {
        // Source: sd_booted(3).
        self.is_launchd || Path::new("/run/systemd/system").is_dir()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        match self.scope {
            Scope::Machine => "/etc/inferboard/inferboard.toml".into(),
            Scope::User => self.user_config.join("inferboard/inferboard.toml"),
        }
    }

    /// The unit or property list, as a path here.
    pub fn unit(&self) -> PathBuf {
        let path = match (self.is_launchd, self.scope) {
            (false, Scope::Machine) => "/etc/systemd/system/inferboard.service".into(),
            (false, Scope::User) => self.user_config.join("systemd/user/inferboard.service"),
            (true, Scope::Machine) => "/Library/LaunchDaemons/inferboard.plist".into(),
            (true, Scope::User) => self.home.join("Library/LaunchAgents/inferboard.plist"),
        };
        self.at(&path)
    }

    /// The folder in which launchd's service keeps its data, and its log.
    pub(crate) fn launchd_data(&self) -> (PathBuf, PathBuf) {
        match self.scope {
            Scope::Machine => ("/var/lib".into(), "/var/log/inferboard.log".into()),
            Scope::User => (self.home.join(".local/share"), self.home.join("Library/Logs/inferboard.log")),
        }
    }

    /// The unit that a package has brought, if any.
    pub(crate) fn packaged_unit(&self) -> Option<PathBuf> {
        let folders = ["/usr/lib/systemd/system", "/lib/systemd/system"];
        let units = folders.map(|folder| self.at(Path::new(folder)).join("inferboard.service"));
        units.into_iter().find(|unit| self.scope == Scope::Machine && unit.exists())
    }
}
