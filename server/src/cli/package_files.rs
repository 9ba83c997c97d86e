//! `inferboard-server package-files`: writes what a package has beside the program, in the places where it is installed.
use crate::cli::args::Cli;
use crate::service::CONFIGURATION;
use crate::service::place::Scope;
use crate::service::unit::{SYSUSERS, systemd_unit};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_complete::aot::generate;
use std::path::{Path, PathBuf};
use std::{fs, io};

const NAME: &str = "inferboard-server";

/// Where each shell looks for completions.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "usr/share/bash-completion/completions/inferboard-server"),
    (Shell::Fish, "usr/share/fish/vendor_completions.d/inferboard-server.fish"),
    (Shell::Zsh, "usr/share/zsh/vendor-completions/_inferboard-server"),
];

/// Arguments of `package-files`.
#[derive(Debug, Args)]
pub struct PackageFilesArgs {
    /// Directory that stands for the root of a system
    #[arg(value_name = "DIR")]
    root: PathBuf,
}

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write into {root}: {source}", root = root.display())]
pub struct PackageFilesError {
    root: PathBuf,
    source: io::Error,
}

/// Writes the unit, the user, the configuration, the man pages and the completions of shells.
///
/// # Errors
/// If a file cannot be written.
pub fn write(args: &PackageFilesArgs) -> Result<String, PackageFilesError> {
    write_all(&args.root).map_err(|source| PackageFilesError { root: args.root.clone(), source })?;
    Ok(String::new())
}

fn write_all(root: &Path) -> io::Result<()> {
    let put = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, bytes)
    };
    let program = Path::new("/usr/bin").join(NAME);
    let unit = systemd_unit(Scope::Machine, &program, Path::new("/etc/inferboard/inferboard.toml"));
    put("usr/lib/systemd/system/inferboard.service", unit.as_bytes())?;
    put("usr/lib/sysusers.d/inferboard.conf", SYSUSERS.as_bytes())?;
    put("etc/inferboard/inferboard.toml", CONFIGURATION.as_bytes())?;
    for (shell, path) in COMPLETIONS {
        let mut text = Vec::new();
        generate(shell, &mut Cli::command(), NAME, &mut text);
        put(path, &text)?;
    }
    let man = root.join("usr/share/man/man1");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(Cli::command(), &man)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visible_command_has_a_man_page_and_completions() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&PackageFilesArgs { root: folder.path().to_owned() }).expect("the files");
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).expect(path);
        let command = Cli::command();
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = verb.get_name();
            assert!(read(&format!("usr/share/man/man1/{NAME}-{name}.1")).contains(".SH SYNOPSIS"));
            for (_, path) in COMPLETIONS {
                assert!(read(path).contains(name), "{name} is not in {path}");
            }
        }
        assert!(read("usr/share/man/man1/inferboard-server.1").contains("metrics tab"));
        assert!(!folder.path().join("usr/share/man/man1/inferboard-server-collect-gpus.1").exists());
    }
}
