//! Why a graph is not there, in a sentence that says what to do.
use crate::{
    Engine, Graph, Layer, Recipe, Role, Section,
    engines::{ENGINES, recipes},
    expression::is_present,
    query::{has_data, role},
};
use std::{collections::BTreeSet, fmt};

/// What is known of the targets in scope.
pub struct Facts<'a> {
    /// How many targets are known.
    pub targets: usize,
    /// How many of them answered at their last scrape.
    pub answering: usize,
    /// Why the others did not: values of the label `reason` of `inferboard_scrape_failed`.
    pub failures: &'a [&'a str],
    /// Why the companion measures no GPUs: the answers to [`GPU_FAULTS_QUERY`].
    pub gpu_faults: &'a [&'a str],
    /// The engines whose metrics were found, see [`crate::detect`].
    pub engines: &'a [&'static Engine],
    /// Whether a metric is there.
    pub present: &'a dyn Fn(&str) -> bool,
}

/// An instant query for why GPUs are not measured where the companion runs, by the label `reason`.
pub const GPU_FAULTS_QUERY: &str = "group by (reason) (gpu_collector_up{reason!=\"\"})";

/// Why a graph has nothing to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing is scraped in this scope.
    NoTarget,
    /// No target answers, for these reasons.
    TargetDown {
        /// Values of the label `reason`; empty when it is not known.
        reasons: Vec<String>,
    },
    /// Targets answer, but none has metrics of an engine that is known.
    Unrecognised,
    /// None of the scraped targets measures this at all.
    NotScraped {
        /// Titles of what would.
        sources: Vec<&'static str>,
    },
    /// GPUs are not measured where the companion runs, for these reasons.
    GpusNotMeasured {
        /// Values of the label `reason` of `gpu_collector_up`.
        reasons: Vec<String>,
        /// Titles of what else would measure them.
        others: Vec<&'static str>,
    },
    /// The engines that were found do not export it.
    NotExported {
        /// Their titles.
        engines: Vec<&'static str>,
        /// Titles of those that do.
        others: Vec<&'static str>,
    },
    /// The engine exports it when something is turned on.
    Needs {
        /// The engine's title.
        engine: &'static str,
        /// What.
        what: &'static str,
    },
    /// Newer versions of the engine export it.
    NeedsVersion {
        /// The engine's title.
        engine: &'static str,
        /// The first that does.
        since: &'static str,
    },
    /// The engine exports it, but has not so far.
    NotYet {
        /// The engine's title.
        engine: &'static str,
    },
}

/// The engine that is the companion's own GPU collector.
const GPU_COLLECTOR: &str = "nvml";

/// Why `graph` has nothing to draw; none when its metrics are there.
pub fn absence(graph: &Graph, facts: &Facts<'_>) -> Option<Absence> {
    if has_data(graph, facts.present) {
        return None;
    }
    if facts.targets == 0 {
        return Some(Absence::NoTarget);
    }
    if facts.answering == 0 {
        let mut reasons = BTreeSet::new();
        reasons.extend(facts.failures.iter().copied());
        return Some(Absence::TargetDown { reasons: reasons.into_iter().map(str::to_owned).collect() });
    }
    let feeding = || recipes(graph.id).iter().filter(|(_, recipe)| role(graph, recipe) == Role::Data);
    let of_found = feeding().filter(|(own, _)| facts.engines.iter().any(|found| found.id == own.id));
    let missing = |(engine, recipe): &&(&'static Engine, &'static Recipe)| !is_present(engine, recipe, facts.present);
    // The easiest remedy first: a flag, then a newer version, then patience.
    let weight = |recipe: &Recipe| (recipe.needs.is_empty(), recipe.since.is_empty());
    if let Some((engine, recipe)) = of_found.filter(missing).min_by_key(|(_, recipe)| weight(recipe)) {
        let engine = engine.title;
        return Some(match (recipe.needs, recipe.since) {
            ("", "") => Absence::NotYet { engine },
            ("", since) => Absence::NeedsVersion { engine, since },
            (what, _) => Absence::Needs { engine, what },
        });
    }
    let sources: Vec<&'static Engine> = unique(feeding().map(|(engine, _)| *engine));
    let inside: Vec<&'static str> =
        facts.engines.iter().filter(|engine| engine.layer != Layer::Machine).map(|engine| engine.title).collect();
    let titles = |engines: &[&'static Engine]| engines.iter().map(|engine| engine.title).collect::<Vec<_>>();
    Some(match (graph.section == Section::Engine || graph.section == Section::Requests, inside.is_empty()) {
        (true, true) => Absence::Unrecognised,
        (true, false) => Absence::NotExported { engines: inside, others: titles(&sources) },
        (false, _) if sources.iter().any(|engine| engine.id == GPU_COLLECTOR) && !facts.gpu_faults.is_empty() => {
            let reasons = facts.gpu_faults.iter().map(|reason| (*reason).to_owned()).collect();
            let others: Vec<_> = sources.into_iter().filter(|engine| engine.id != GPU_COLLECTOR).collect();
            Absence::GpusNotMeasured { reasons, others: titles(&others) }
        }
        (false, _) => Absence::NotScraped { sources: titles(&sources) },
    })
}

fn unique(engines: impl Iterator<Item = &'static Engine>) -> Vec<&'static Engine> {
    let mut found: Vec<&'static Engine> = Vec::new();
    for engine in engines {
        if engine.relays.is_none() && found.iter().all(|other| other.id != engine.id) {
            found.push(engine);
        }
    }
    found
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTarget => f.write_str("Nothing is scraped here yet. Add a target, or choose a wider scope."),
            Self::TargetDown { reasons } if reasons.is_empty() => {
                f.write_str("No target answers. Look whether the server runs and is reached from here.")
            }
            Self::TargetDown { reasons } => {
                write!(f, "No target answers ({}). ", reasons.join(", "))?;
                f.write_str(match &reasons[..] {
                    [only] => advice(only),
                    _ => "Look at each target's log and address.",
                })?;
                // A refusal is how engines say that metrics are off.
                if reasons.iter().any(|reason| reason == "status") {
                    let named = ENGINES.iter().filter(|engine| !engine.turn_on.is_empty());
                    let needs: Vec<String> =
                        named.map(|engine| format!("{} needs {}", engine.title, engine.turn_on)).collect();
                    write!(f, " To have metrics at all, {}.", needs.join("; "))?;
                }
                Ok(())
            }
            Self::Unrecognised => f.write_str(
                "Targets answer, but with no metrics of an engine that is known. Export inferboard's own names to draw \
                 this graph, or look at the list of metrics that nothing reads.",
            ),
            Self::NotScraped { sources } => {
                write!(f, "No scraped target measures this. It can come from {}.", listed(sources))
            }
            Self::GpusNotMeasured { reasons, others } => {
                write!(f, "GPUs are not measured where the companion runs ({})", reasons.join(", "))?;
                match &reasons[..] {
                    [only] => write!(f, ": {}.", gpu_advice(only))?,
                    _ => f.write_str(".")?,
                }
                write!(f, " Those of other machines can come from {}.", listed(others))
            }
            Self::NotExported { engines, others } => {
                let verb = if engines.len() == 1 { "does" } else { "do" };
                write!(f, "{} {verb} not export this. What does: {}.", listed(engines), listed(others))
            }
            Self::Needs { engine, what } => write!(f, "{engine} exports this with {what}."),
            Self::NeedsVersion { engine, since } => {
                write!(
                    f,
                    "{engine} exports this from version {since} on; this one seems older, or has not used it yet."
                )
            }
            Self::NotYet { engine } => write!(
                f,
                "{engine} exports this, but has not yet: many servers show a metric only after the first request."
            ),
        }
    }
}

fn advice(reason: &str) -> &'static str {
    match reason {
        "dns" => "Its name is not known: look for a typing error in the address.",
        "connect" => "Nothing listens there: the server is down or still starting.",
        "unreachable" => "There is no way to its machine: look whether it is up and on this network.",
        "unauthorized" | "forbidden" | "credentials" => {
            "It wants other credentials: look at the token and what it may."
        }
        "not_found" => "It has no such page: the path may be wrong, or metrics may not be turned on.",
        "rate_limited" => "It is asked too often: scrape it less.",
        "server_error" => "It answers with an error of its own: read its log.",
        "tls" => "The certificate is not trusted, or the port speaks plain HTTP.",
        "timeout" => "It is too slow: give it more CPU, or the scrape more time.",
        "status" => "It refuses: the path may be wrong, a key may be missing, or metrics may not be turned on.",
        "redirect" => "It sends elsewhere: use the address that it sends to.",
        "content_type" | "encoding" | "parse" => "What it answers is not a metrics page: look at path and port.",
        _ => "It answers with more than the limits allow.",
    }
}

/// What to do about each reason of the GPU collector.
fn gpu_advice(reason: &str) -> &'static str {
    match reason {
        "library_missing" => "there is no NVIDIA driver, or a container does not have its libnvidia-ml.so.1",
        "driver_not_loaded" => "load the NVIDIA driver",
        "version_mismatch" => "finish the update of the NVIDIA driver, or restart the machine",
        "no_gpu" => "the driver knows no GPU; a container must be given them",
        "gpu_lost" => "a GPU fell off the bus; look for XID errors in the kernel's log",
        "reset_required" => "a GPU must be reset (nvidia-smi --gpu-reset)",
        "no_permission" => "this user may not ask the driver; look at the rights of /dev/nvidia*",
        "timeout" | "hang" => "the driver does not answer; look at the kernel's log",
        "starting" => "they have not been asked yet",
        _ => "the companion's log says more",
    }
}

fn listed(titles: &[&str]) -> String {
    match titles {
        [] => "nothing known".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect, graph};

    fn why(id: &str, names: &[&str], targets: usize, answering: usize, failures: &[&str]) -> Option<String> {
        let engines = detect(names.iter().copied());
        let present = |name: &str| names.contains(&name);
        let facts = Facts { targets, answering, failures, gpu_faults: &[], engines: &engines, present: &present };
        absence(graph(id).expect("a graph"), &facts).map(|absence| absence.to_string())
    }

    #[test]
    fn gpus_that_the_companion_cannot_measure_say_why() {
        let told = |id: &str, gpu_faults: &[&str]| {
            let facts =
                Facts { targets: 1, answering: 1, failures: &[], gpu_faults, engines: &[], present: &|_: &str| false };
            absence(graph(id).expect("a graph"), &facts).expect("absent").to_string()
        };
        let lost = told("gpu-power", &["gpu_lost"]);
        assert!(lost.contains("(gpu_lost): a GPU fell off the bus") && lost.contains("DCGM"), "{lost}");
        assert!(!lost.contains("NVML"), "{lost}");
        assert!(told("gpu-power", &["hang", "no_gpu"]).contains("(hang, no_gpu). Those"));
        assert!(told("gpu-power", &[]).contains("and NVML"));
        assert!(!told("cpu", &["gpu_lost"]).contains("GPUs"));
    }

    #[test]
    fn each_reason_says_what_to_do() {
        let vllm = ["vllm:num_requests_running"];
        for (id, names, targets, answering, failures, expected) in [
            ("running-and-waiting", &vllm[..], 1, 1, &[][..], None),
            ("volume", &[], 0, 0, &[], Some("Nothing is scraped here yet")),
            ("volume", &[], 2, 0, &["connect"], Some("Nothing listens there")),
            ("volume", &[], 2, 0, &["status"], Some("SGLang needs --enable-metrics; ")),
            ("kv-cache-use", &["my_metric"], 1, 1, &[], Some("no metrics of an engine that is known")),
            ("kv-cache-use", &["tgi_queue_size"], 1, 1, &[], Some("TGI does not export this. What does: vLLM, SGLang")),
            ("compute-use", &vllm, 1, 1, &[], Some("vLLM exports this with --enable-mfu-metrics.")),
            ("cached-tokens", &vllm, 1, 1, &[], Some("vLLM exports this from version 0.33 on")),
            ("end-to-end-latency", &vllm, 1, 1, &[], Some("vLLM exports this, but has not yet")),
            ("gpu-power", &vllm, 1, 1, &[], Some("It can come from Triton, DCGM, nvidia-smi and NVML.")),
        ] {
            let found = why(id, names, targets, answering, failures);
            match expected {
                None => assert_eq!(found, None, "{id}"),
                Some(part) => assert!(found.as_ref().is_some_and(|text| text.contains(part)), "{id}: {found:?}"),
            }
        }
    }
}
