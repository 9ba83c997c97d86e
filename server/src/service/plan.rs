//! What installing or removing does, as a list of steps that can be printed or carried out.
use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a plan was not carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file or folder cannot be changed.
    #[error("cannot {verb} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A program is missing.
    #[error("cannot run `{command}`: {source}")]
    Start {
        /// The program with its arguments.
        command: String,
        /// The cause.
        source: io::Error,
    },
    /// A program failed.
    #[error("`{command}` failed ({status}): {output}")]
    Failed {
        /// The program with its arguments.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// What it printed on standard error.
        output: String,
    },
}

/// Steps in their order.
#[derive(Debug, Default)]
pub struct Plan {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Copy { from: PathBuf, to: PathBuf },
    Write { path: PathBuf, text: String },
    WriteNew { path: PathBuf, text: String },
    Remove { path: PathBuf },
    Run { program: &'static str, arguments: Vec<String>, may_fail: bool },
}

impl Plan {
    /// Copies a program.
    pub fn copy(&mut self, from: &Path, to: PathBuf) {
        self.steps.push(Step::Copy { from: from.to_owned(), to });
    }

    /// Writes a file, whatever was there.
    pub fn write(&mut self, path: PathBuf, text: impl Into<String>) {
        self.steps.push(Step::Write { path, text: text.into() });
    }

    /// Writes a file unless there is one.
    pub fn write_new(&mut self, path: PathBuf, text: impl Into<String>) {
        self.steps.push(Step::WriteNew { path, text: text.into() });
    }

    /// Removes a file, if it is there.
    pub fn remove(&mut self, path: PathBuf) {
        self.steps.push(Step::Remove { path });
    }

    /// Runs a program.
    pub fn run(&mut self, program: &'static str, arguments: &[&str]) {
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        self.steps.push(Step::Run { program, arguments, may_fail: false });
    }

    /// Runs a program that fails where its work is done already.
    pub fn try_run(&mut self, program: &'static str, arguments: &[&str]) {
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        self.steps.push(Step::Run { program, arguments, may_fail: true });
    }

    /// Carries out the steps, until one fails.
    ///
    /// # Errors
    /// If a step fails.
    pub fn carry_out(&self) -> Result<(), PlanError> {
        self.steps.iter().try_for_each(Step::carry_out)
    }
}

impl Step {
    fn carry_out(&self) -> Result<(), PlanError> {
        match self {
            Self::Copy { from, to } => copy(from, to).map_err(failed("write", to)),
            Self::Write { path, text } => write(path, text).map_err(failed("write", path)),
            Self::WriteNew { path, .. } if path.exists() => Ok(()),
            Self::WriteNew { path, text } => write(path, text).map_err(failed("write", path)),
            Self::Remove { path } => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
                _ => Ok(()),
            },
            Self::Run { program, arguments, may_fail } => {
                let done = output_of(program, arguments).map(|_| ());
                if *may_fail { Ok(()) } else { done }
            }
        }
    }
}

/// Runs a program and returns what it prints.
pub(crate) fn output_of(program: &str, arguments: &[String]) -> Result<String, PlanError> {
    let command = shown(program, arguments);
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| PlanError::Start { command: command.clone(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PlanError::Failed { command, status: output.status, output: printed })
}

fn failed<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PlanError + 'a {
    move |source| PlanError::File { verb, path: path.to_owned(), source }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    replace(path, |new| std::fs::write(new, text))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    replace(to, |new| std::fs::copy(from, new).map(|_| ()))
}

/// Makes a file beside `path` and moves it there: a program that runs cannot be written over, and nobody sees half a file.
fn replace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = folder.join(name);
    make(&new)?;
    std::fs::rename(&new, path)
}

fn shown(program: &str, arguments: &[String]) -> String {
    std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Copy { from, to } => writeln!(f, "copy {} to {}", from.display(), to.display())?,
                Step::Write { path, text } => writeln!(f, "write {}:\n\n{text}", path.display())?,
                Step::WriteNew { path, .. } if path.exists() => writeln!(f, "keep {}", path.display())?,
                Step::WriteNew { path, text } => writeln!(f, "write {}:\n\n{text}", path.display())?,
                Step::Remove { path } => writeln!(f, "remove {}", path.display())?,
                Step::Run { program, arguments, .. } => writeln!(f, "run {}", shown(program, arguments))?,
            }
        }
        Ok(())
    }
}
