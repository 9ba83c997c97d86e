//! Graphs of the machines that engines run on.
use super::templates::{EVENTS, LINES, SHARE, data, limit};
use crate::{Detail, Graph, Section, Unit};

const HARDWARE: Section = Section::Hardware;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "cpu",
        title: "CPU",
        help: "Share of the processors' time that was spent working, averaged over all cores of the hosts or replicas; \
               short spikes can hide in it. The machine of Inferboard's own server has a line of its own where no replica \
               runs on it. An engine keeps one core busy per GPU with scheduling and tokenizing; when \
               all cores are near 100 %, requests queue before they reach the GPU. Give the host more cores or fewer \
               replicas. Low for long: a smaller machine would do.",
        section: HARDWARE,
        is_shown: true,
        lines: &[data("average")],
        ..SHARE
    },
    Graph {
        id: "cpu-cores",
        title: "CPU of replicas",
        help: "Processor cores in use by containers, summed over the selected replicas: 1 is one core busy all the \
               time. The dashed line is their limit, at which the kernel throttles them and every token waits. \
               Python's part of an engine runs on one core, so a steady 1.0 can be a limit too.",
        unit: Unit::Cores,
        section: HARDWARE,
        is_shown: true,
        lines: &[data("in use"), limit("limit")],
        ..LINES
    },
    Graph {
        id: "memory",
        title: "Memory",
        help: "Memory in use on the hosts, caches that can be given back not counted, and how much there is. Close to \
               the capacity line the kernel kills processes, engines first: lower swap space or cache offloading, or \
               move a replica to another host.",
        unit: Unit::Bytes,
        section: HARDWARE,
        is_shown: true,
        lines: &[data("in use"), limit("capacity")],
        ..LINES
    },
    Graph {
        id: "container-memory",
        title: "Memory of replicas",
        help: "Memory that the replicas' containers hold and cannot give back (the working set), summed over the \
               selected ones, and their limit. At the limit the container is killed and restarts. A line that only \
               rises is a leak; a step at start is the model passing through on its way to the GPU.",
        unit: Unit::Bytes,
        section: HARDWARE,
        is_shown: true,
        lines: &[data("in use"), limit("limit")],
        ..LINES
    },
    Graph {
        id: "memory-share",
        title: "Memory, share",
        help: "Share of the memory that is in use, for platforms that give no bytes, averaged over the replicas. Above \
               about 90 % the next load can end the process: choose a larger instance or a smaller cache.",
        section: HARDWARE,
        is_shown: true,
        lines: &[data("average")],
        ..SHARE
    },
    Graph {
        id: "gpu",
        title: "GPU",
        help: "Share of time in which at least one kernel ran on the GPU, averaged over the selected ones. It says \
               busy, not full: a single small kernel counts like a large one, so 100 % can still leave room for larger \
               batches: SM active, where a card's profiling \
               fields are collected, says how much of it works. Low with requests waiting: the GPU starves, look at CPU and \
               batch limits. Low for long without a queue: fewer or smaller GPUs would do. On MIG slices only engine \
               activity exists. Of replicas: the GPUs on which the selected replicas hold memory.",
        section: HARDWARE,
        is_shown: true,
        detail: Detail::Gpus,
        lines: &[data("average"), data("busiest"), data("engine active"), data("SM active"), data("of replicas")],
        ..SHARE
    },
    Graph {
        id: "gpu-memory",
        title: "GPU memory",
        help: "GPU memory in use over all selected GPUs, what of it the selected replicas hold, and how much there \
               is. Engines take their share at start and keep it, so high and flat is normal: how much of it works \
               shows KV cache use. Close to the capacity line a model may fail to load or a long prompt run out of \
               memory: lower the engine's memory share or use smaller weights. Low: the cache could be larger.",
        unit: Unit::Bytes,
        section: HARDWARE,
        is_shown: true,
        detail: Detail::Gpus,
        lines: &[data("in use"), data("of replicas"), limit("capacity")],
        ..LINES
    },
    Graph {
        id: "gpu-shares",
        title: "GPU memory by share",
        help: "GPU memory in use in each share of a card: a MIG slice by its number, or a pod under HAMi. The dashed line \
               is what the shares may use together. A share at its part of the limit fails to allocate even while the \
               card has room: give it a larger one.",
        unit: Unit::Bytes,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data(""), limit("limit")],
        ..LINES
    },
    Graph {
        id: "gpu-memory-share",
        title: "GPU memory, share",
        help: "Share of the GPU memory that is in use, for sources that give no bytes. Engines fill it at start, so \
               high and flat is normal; a change after start is what to look at.",
        section: HARDWARE,
        is_shown: true,
        detail: Detail::Gpus,
        lines: &[data("average")],
        ..SHARE
    },
    Graph {
        id: "gpu-activity",
        title: "GPU units active",
        help: "Share of time in which parts of the GPU worked: the memory interface, the multiprocessors (SM), the \
               tensor cores. Decoding lives from the memory interface, prefill from the tensor cores. Memory near its \
               top during decode: larger batches or quantized weights get more tokens from it. All low while GPU use \
               is high: kernels are small, so batch more.",
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("memory"), data("SM"), data("SM occupancy"), data("tensor cores"), data("FP16"), data("FP32")],
        ..SHARE
    },
    Graph {
        id: "gpu-power",
        title: "GPU power",
        help: "Power drawn by all selected GPUs, and the limit that is set. Power follows real work better than GPU \
               use. At the limit clocks go down: fewer tokens per second, but often more for each watt.",
        unit: Unit::Watts,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("drawn"), limit("limit")],
        ..LINES
    },
    Graph {
        id: "gpu-temperature",
        title: "GPU temperature",
        help: "Temperature of the hottest selected GPU and of its memory; the dashed line is where the card slows \
               itself down. Near it, clocks fall and every token gets slower: look at air flow and at neighbours in \
               the rack.",
        unit: Unit::Celsius,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("hottest GPU"), data("hottest memory"), limit("slowdown")],
        ..LINES
    },
    Graph {
        id: "gpu-clocks",
        title: "GPU clocks",
        help: "Clocks of the multiprocessors and the memory, averaged over the selected GPUs. Idle cards clock down. \
               Below the usual value under load: see power, temperature and throttling for the reason.",
        unit: Unit::Hertz,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("SM"), data("memory")],
        ..LINES
    },
    Graph {
        id: "gpu-throttling",
        title: "GPU throttling",
        help: "GPUs whose clocks are held down at the moment, by reason, and the share of time lost to it where that \
               is counted. Power cap: the limit set is reached. Thermal: too hot. Hardware slowdown or brake: the \
               power supply or cooling complains. A power cap under full load is normal; the others are for the \
               operator of the machine.",
        unit: Unit::Number,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data(""), data("power cap"), data("thermal"), data("hardware slowdown"), data("power brake")],
        ..LINES
    },
    Graph {
        id: "gpu-pcie",
        title: "PCIe traffic",
        help: "Bytes per second to and from the GPUs over PCIe. Loading a model fills it; afterwards it should be \
               small. Much traffic while serving: cache offloading, or tensor parallelism without NVLink.",
        unit: Unit::BytesPerSecond,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("received"), data("sent")],
        ..LINES
    },
    Graph {
        id: "gpu-nvlink",
        title: "NVLink traffic",
        help: "Bytes per second between GPUs over NVLink, all links together. Tensor parallelism exchanges activations \
               here at every layer, so it follows tokens per second. Zero with tensor parallelism: the traffic goes \
               over PCIe.",
        unit: Unit::BytesPerSecond,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("received"), data("sent"), data("total")],
        ..LINES
    },
    Graph {
        id: "gpu-errors",
        title: "GPU errors",
        help: "Memory errors that the GPUs report: corrected ones cost nothing but announce wear, uncorrected ones end \
               the process. Remapped rows are memory taken out of use. PCIe replays are transfers repeated on a bad \
               link. The last XID is the number of the driver's last error report, such as 79 for a GPU that fell off \
               the bus. Anything but zero that grows: plan to replace the card.",
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[
            data("corrected"),
            data("uncorrected"),
            data("rows remapped, corrected"),
            data("rows remapped, uncorrected"),
            data("PCIe replays"),
            data("last XID"),
        ],
        ..LINES
    },
    Graph {
        id: "gpu-xid",
        title: "XID errors",
        help: "Errors that NVIDIA's driver reports, by number. 13, 31 and 43: the application's own fault. 48, 94 and 95: \
               uncorrected memory errors; restart what ran there. 63 and 64: a row was remapped, or could not be; reset \
               the card when idle. 74: NVLink. 79: the card fell off the bus; reboot, and check power and slot. 119 and \
               120: its firmware hangs; reset the card. Errors that return after a reset: replace the card.",
        section: HARDWARE,
        detail: Detail::Gpus,
        ..EVENTS
    },
    Graph {
        id: "gpu-health",
        title: "GPU health",
        help: "Cards by verdict. Failing: uncorrected memory errors since the driver was loaded, a row that could not be \
               remapped, or a card that its maker's tool calls unhealthy: take it out of service. Worn: rows were \
               remapped for uncorrected errors and the card works on; plan its replacement when they grow.",
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("failing"), data("worn")],
        ..LINES
    },
    Graph {
        id: "gpu-processes",
        title: "GPU memory by process",
        help: "GPU memory held by each process. More than the engine's own process on a card shares its memory and \
               time: a forgotten notebook is a common reason for an engine that does not start.",
        unit: Unit::Bytes,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("")],
        ..LINES
    },
    Graph {
        id: "network",
        title: "Network",
        help: "Bytes per second that the hosts or containers received and sent. Answers are small; much traffic is the \
               download of images and weights, transfers of key-value blocks, or uploads of images and audio.",
        unit: Unit::BytesPerSecond,
        section: HARDWARE,
        lines: &[data("received"), data("sent")],
        ..LINES
    },
    Graph {
        id: "disk-throughput",
        title: "Disk throughput",
        help: "Bytes per second read from and written to disks. A replica that starts reads its weights here: flat at \
               the disk's limit it bounds the cold start. Reads while serving hint at swapping or a cache on disk.",
        unit: Unit::BytesPerSecond,
        section: HARDWARE,
        lines: &[data("read"), data("written")],
        ..LINES
    },
    Graph {
        id: "disk-space",
        title: "Disk space",
        help: "Space in use on the fullest file system, as share. Model caches only grow: near 100 % downloads fail \
               and replicas do not start. Remove old revisions, or move the cache.",
        section: HARDWARE,
        lines: &[data("fullest")],
        ..SHARE
    },
    Graph {
        id: "process-cpu",
        title: "CPU of the server process",
        help: "Processor cores used by the process that answers for metrics, usually the API server: tokenizing, HTTP \
               and scheduling. Near 1.0 a server in Python is at its limit, and more API processes help.",
        unit: Unit::Cores,
        section: HARDWARE,
        lines: &[data("in use")],
        ..LINES
    },
    Graph {
        id: "process-memory",
        title: "Memory of the server process",
        help: "Main memory resident in the process that answers for metrics, over all selected replicas. A line that \
               only rises over days is a leak: restart before the host's memory runs out, and report it.",
        unit: Unit::Bytes,
        section: HARDWARE,
        lines: &[data("resident")],
        ..LINES
    },
    Graph {
        id: "process-files",
        title: "Open files",
        help: "Share of its file descriptor limit that the server process has open, for the replica closest to the \
               limit. Each connection takes one: near 100 % new clients are refused. Raise the limit, or look for \
               clients that do not close.",
        section: HARDWARE,
        lines: &[data("highest")],
        ..SHARE
    },
    Graph {
        id: "tokens-per-joule",
        title: "Tokens per joule",
        help: "Tokens generated for each joule that the GPUs draw, or per second and watt, over the machines of the \
               selected replicas; their idle time counts. It rises with batch size and with lower power limits. Other \
               work on the same cards makes it too low.",
        unit: Unit::Number,
        section: HARDWARE,
        lines: &[data("generated")],
        ..LINES
    },
    Graph {
        id: "gpu-energy",
        title: "GPU energy",
        help: "Power as counted by the cards' energy meters, mean over each window: more exact than samples of power, \
               as nothing between two scrapes is missed. Multiplied by time and price it is the bill.",
        unit: Unit::Watts,
        section: HARDWARE,
        detail: Detail::Gpus,
        lines: &[data("mean")],
        ..LINES
    },
];
