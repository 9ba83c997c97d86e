//! The end of the process: within five seconds of a signal, whatever hangs.
use std::io;
use std::process::exit;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{error, info};

/// How long the process has to end by itself. This is a little longer than all of its own deadlines together.
const MAX_TIME: Duration = Duration::from_millis(4800);

/// The exit code if it does not.
const FAILURE: i32 = 1;

/// Calls the receiver when the process is to end: on SIGTERM and SIGINT, and on SIGHUP too if `on_hangup`. The signals have
/// a thread of their own, which ends the process if nothing else does in time.
///
/// # Errors
/// If the system has no more threads, or the signals cannot be received.
pub fn on_signal(on_hangup: bool) -> io::Result<oneshot::Receiver<()>> {
    let (send, stop) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::new(on_hangup)?
    };
    let wait = async move {
        signals.wait().await;
        info!("stopping");
        // The receiver is gone if the process ends anyway.
        let _ = send.send(());
        tokio::time::sleep(MAX_TIME).await;
        error!("something hangs: ending without it");
        exit(FAILURE);
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(wait))?;
    Ok(stop)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn new(on_hangup: bool) -> io::Result<Self> {
        let hangup = on_hangup.then(|| signal(SignalKind::hangup())).transpose()?;
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, hangup })
    }

    async fn wait(mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hangup => {}
        }
    }
}
