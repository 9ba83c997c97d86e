//! Graphs of the number, state and scrapes of replicas.
use super::templates::{LINES, SHARE, UNNAMED, data, guide, limit};
use crate::{DrawStyle, Graph, Section, Summary, Unit};

const REPLICAS: Section = Section::Replicas;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "replicas",
        title: "Replicas",
        help: "Replicas that are ready to serve, and replicas that are starting: waiting for a machine, pulling the \
               image or loading the model. Desired is what the autoscaler asks for, min and max are its bounds; the \
               red line is max. Active at max with requests waiting: raise max. A long gap between starting and active \
               is the cold start: keep a spare replica, or shorten image and weights. Desired that swings up and down \
               wastes starts: lengthen the window or the delay of scaling down.",
        section: REPLICAS,
        is_shown: true,
        draw_style: DrawStyle::Bars,
        lines: &[
            data("active"),
            data("starting"),
            data("unhealthy"),
            guide("desired"),
            guide("known"),
            guide("min"),
            limit("max"),
        ],
        ..LINES
    },
    Graph {
        id: "autoscaler-load",
        title: "Autoscaler: load over target",
        help: "The metric that the autoscaler looks at, over its target; of several metrics the highest decides. Above \
               100 % it adds replicas, below it takes some away. Far above for long: see what limits it.",
        section: REPLICAS,
        ceiling: None,
        lines: &[data("highest")],
        ..SHARE
    },
    Graph {
        id: "autoscaler-limits",
        title: "Autoscaler: held back",
        help: "What keeps autoscalers from acting. ScalingLimited: the bounds; raise the maximum, or lower the minimum. \
               ScalingActive: the metric cannot be read, so it does nothing. AbleToScale: it failed to change the \
               number, or waits after the last change.",
        section: REPLICAS,
        draw_style: DrawStyle::Bars,
        lines: &[data("ScalingLimited"), data("")],
        ..LINES
    },
    Graph {
        id: "replicas-answering",
        title: "Replicas up",
        help: "Replicas whose metrics endpoint answered at each scrape, and how many are known. Below the dashed line \
               some are starting, failed or cut off from the network; their own graphs then have holes.",
        section: REPLICAS,
        is_shown: true,
        lines: &[data("answering"), limit("known")],
        ..LINES
    },
    Graph {
        id: "replica-states",
        title: "Replica states",
        help: "Replicas by state at each moment. Pending: no machine yet, so look at quota and node pools. Pulling: \
               the image is on its way. Downloading: the weights are; a cache close by shortens both. Initializing: \
               the model is loaded and warmed up. Running: it serves. Failed: see restarts and the log. Stopped: it \
               ended. A replica that is only probed from outside is pending until it first responds. From \
               kube-state-metrics these are the phases of pods, where Running does not yet mean ready.",
        section: REPLICAS,
        draw_style: DrawStyle::Bars,
        lines: UNNAMED,
        ..LINES
    },
    Graph {
        id: "restarts",
        title: "Restarts",
        help: "Restarts of replicas within each window; the summary counts them over the range. One after a \
               deployment is normal. Usual causes otherwise: memory ran out and the kernel ended the process, the \
               model raised an exception while loading, or a health check failed for too long. Restarts that repeat at \
               even distances are a crash loop: read the log of the first one. Where only a start time is known, each \
               new one counts, spread over the ten minutes after it, as a start leaves a hole in the samples.",
        unit: Unit::PerSecond,
        section: REPLICAS,
        is_shown: true,
        summary: Summary::Counts,
        draw_style: DrawStyle::Bars,
        lines: &[data("restarts")],
        ..LINES
    },
    Graph {
        id: "restart-reasons",
        title: "Restarts by reason",
        help: "Restarts of replicas by why the previous run ended, as Kubernetes reports it. OOMKilled: the container \
               passed its memory limit, so raise the limit or load less. Error: the process ended with an error, or a \
               health check failed for too long and it was killed. Completed: it ended by itself. Unknown: only a new \
               start was seen.",
        unit: Unit::PerSecond,
        section: REPLICAS,
        summary: Summary::Counts,
        draw_style: DrawStyle::Bars,
        lines: UNNAMED,
        ..LINES
    },
    Graph {
        id: "readiness",
        title: "Pod readiness",
        help: "Pods by the Ready condition of Kubernetes: true takes traffic, false is starting, stopping or fails its \
               readiness check, unknown is on a node that does not answer. False for long without a restart: the check \
               is too strict, or the server is too busy to answer it.",
        section: REPLICAS,
        draw_style: DrawStyle::Bars,
        lines: UNNAMED,
        ..LINES
    },
    Graph {
        id: "startup-time",
        title: "Start-up time",
        help: "How long the slowest replica took to start. Ready: from the start of its process, or of its pod, until \
               it served. By phase: the part that is the engine's own. Loading weights is bounded by disk or network; \
               capturing CUDA graphs can be trimmed to fewer batch sizes. The rest is the time to get a machine and to \
               pull the image.",
        unit: Unit::Seconds,
        section: REPLICAS,
        lines: &[data("ready"), data("engine"), data("weights"), data("")],
        ..LINES
    },
    Graph {
        id: "uptime",
        title: "Uptime",
        help: "Time since the youngest and the oldest selected process started. A line that falls to zero is a \
               restart; a youngest that never grows is a crash loop. A very old process after a deployment was not \
               part of it.",
        unit: Unit::Seconds,
        section: REPLICAS,
        lines: &[data("youngest"), data("oldest")],
        ..LINES
    },
    Graph {
        id: "deployment-health",
        title: "Deployment health",
        help: "State of the deployments behind a gateway, of the worst: 0 healthy, 1 partly out, 2 out. A deployment \
               that goes up and down is usually at its rate limit; the gateway sends its traffic elsewhere meanwhile.",
        unit: Unit::Number,
        section: REPLICAS,
        lines: &[data("worst")],
        ..LINES
    },
    Graph {
        id: "scrape-failures",
        title: "Failed scrapes",
        help: "Targets whose scrape failed, by reason. connect: nothing is listening there, so the server is down or \
               starting. timeout: it is too busy to answer. status: it refused, often because metrics are not enabled \
               or need a key. parse and content_type: what it answers is not a metrics page. The limits: its metrics \
               page is too large. series_cap: the companion's store is full. quarantined: it makes new series without \
               end. What such a target would have reported is missing in all other graphs.",
        section: REPLICAS,
        draw_style: DrawStyle::Bars,
        lines: UNNAMED,
        ..LINES
    },
    Graph {
        id: "scrape-time",
        title: "Scrape time",
        help: "Time that targets took to serve their metrics, on average and for the slowest. An engine answers from \
               the process that also schedules, so slow scrapes tell of a busy CPU. Near the scrape time-out graphs \
               get holes: scrape less often, or give the engine a core more.",
        unit: Unit::Seconds,
        section: REPLICAS,
        lines: &[data("average"), data("slowest")],
        ..LINES
    },
    Graph {
        id: "scrape-samples",
        title: "Samples per scrape",
        help: "Samples of each scrape, over all targets. It grows with labels: a jump means that some label now has \
               many values, which makes storage and queries more expensive. A fall means that a target answers with \
               less, such as after an upgrade that dropped metrics.",
        section: REPLICAS,
        lines: &[data("samples")],
        ..LINES
    },
];
