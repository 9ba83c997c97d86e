//! The page of the documentation that lists all findings.
use crate::entries::ENTRIES;
use crate::entry::{Need, Severity, title};

/// Markdown with all findings: what one sees, the likely cause, what to do, what each needs, and the thresholds.
pub fn document() -> String {
    let mut text = "# Findings\n\n\
        Inferboard computes what platforms print as a table: what you see, the likely cause, and what to do.\n\
        Each finding has its time, its numbers and the graph that proves it.\n\
        It speaks only if its thresholds are exceeded for long enough, and where a series that it needs is absent it says \
        that it cannot tell.\n\n\
        | You see | Likely cause | What to do | Shown by |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for entry in ENTRIES {
        let weight = match entry.severity {
            Severity::Critical => "**",
            Severity::Warning | Severity::Notice => "",
        };
        let (seen, shown) = (entry.title, title(entry.graph));
        text += &format!("| {weight}{seen}{weight} | {} | {} | {shown} |\n", entry.cause, entry.remedy);
    }
    text += "\nThose in bold are critical: requests fail or wait.\n\n## Thresholds\n\n\
        The companion's [configuration](configuration.md) replaces them, for its page and for `export alerting-rules`:\n\n\
        ```toml\n[findings]\nkv-cache-full = { share = 0.95, minutes = 10 }\n```\n\n\
        | Threshold | Default | Meaning |\n| --- | --- | --- |\n";
    for entry in ENTRIES {
        for threshold in entry.thresholds {
            text += &format!("| `{}.{}` | {} | {} |\n", entry.id, threshold.name, threshold.default, threshold.meaning);
        }
    }
    text += "\n## What each needs\n\n| Finding | Graphs |\n| --- | --- |\n";
    for entry in ENTRIES {
        let mut needs: Vec<String> = entry.needs.iter().map(Need::text).collect();
        needs.dedup();
        text += &format!("| {} | {} |\n", entry.title, needs.join(", "));
    }
    text
}
