//! The texts of the service: the unit of systemd, which packages have too, and the property list of launchd.
use crate::service::place::Scope;
use std::path::Path;

/// The user of the machine's service, as systemd-sysusers reads it.
pub const SYSUSERS: &str = "u inferboard - \"Inferboard\" /var/lib/inferboard\n";

const UNIT: &str = include_str!("inferboard.service");
const PLIST: &str = include_str!("inferboard.plist");

/// The unit that runs `program` with the configuration file `config`.
pub fn systemd_unit(scope: Scope, program: &Path, config: &Path) -> String {
    let wanted_by = if scope == Scope::Machine { "multi-user.target" } else { "default.target" };
    let mut text = String::new();
    let mut is_kept = true;
    for line in UNIT.lines() {
        match line {
            "#@machine" => is_kept = scope == Scope::Machine,
            "#@end" => is_kept = true,
            _ if is_kept => text.extend([line, "\n"]),
            _ => {}
        }
    }
    text.replace("@PROGRAM@", &systemd_word(program))
        .replace("@CONFIG@", &systemd_word(config))
        .replace("@WANTED_BY@", wanted_by)
}

/// A path as one word of a command line. Source: systemd.service(5), "Command lines".
fn systemd_word(path: &Path) -> String {
    let text = path.to_string_lossy().replace('%', "%%").replace('$', "$$");
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/-_.,+=@:~%$".contains(c));
    if is_plain { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// The property list of a service called `label`. Its history is below `data`, and what it prints is in `log`.
pub(crate) fn launchd_plist(label: &str, program: &Path, config: &Path, data: &Path, log: &Path) -> String {
    let values = [("@PROGRAM@", program), ("@CONFIG@", config), ("@DATA@", data), ("@LOG@", log)];
    let text = PLIST.replace("@LABEL@", label);
    values.iter().fold(text, |text, (name, path)| text.replace(name, &xml(&path.to_string_lossy())))
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
