//! Script threads: each with an interpreter and a stack of its own, replaced when one does not come back.

use super::{Install, Interpreter, Tier, panics, quarantine::Quarantine};
use crate::{config::Limits, telemetry};
use parking_lot::Mutex;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Jobs that wait for a thread; when so many wait, who asks for more waits for room.
const WAITING: usize = 256;

/// Threads that may be lost before none is replaced any more: each holds a stack, and something is badly wrong.
const MOST_LOST: usize = 16;

/// Dropping a chain of a million closures recurses as deep; the stack is only mapped, and used as it is needed.
pub const DATA_STACK_BYTES: usize = 128 << 20;
const PURE_STACK_BYTES: usize = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    #[error("a script thread did not come back in time, or panicked, and was replaced")]
    Lost,
    #[error(
        "the script threads are gone: too many of them did not come back, or the server is stopping"
    )]
    Closed,
}

type Work = Box<dyn FnOnce(&mut Interpreter, &Arc<AtomicBool>) + Send>;

/// Threads for one tier. Clones share them; when the last clone is dropped they end.
#[derive(Clone)]
pub struct Pool {
    jobs: mpsc::Sender<Work>,
    shop: Arc<Shop>,
}

/// What it takes to start a thread.
struct Shop {
    tier: Tier,
    limits: Limits,
    install: Option<Install>,
    jobs: Mutex<mpsc::Receiver<Work>>,
    quarantine: Quarantine,
    /// Threads that take jobs.
    working: AtomicUsize,
    lost: AtomicUsize,
}

impl Pool {
    pub fn start(tier: Tier, limits: Limits, threads: usize, install: Option<Install>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let shop = Arc::new(Shop {
            tier,
            limits,
            install,
            jobs: Mutex::new(waiting),
            quarantine: Quarantine::default(),
            working: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
        });
        for _ in 0..threads.max(1) {
            if let Err(error) = shop.hire() {
                tracing::error!(tier = tier.as_str(), %error, "a script thread does not start");
            }
        }
        if shop.working.load(Ordering::Acquire) == 0 {
            shop.close();
        }
        Self { jobs, shop }
    }

    /// Runs a job on one of the threads. A job that has run for longer than `patience` is given up with its thread.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Interpreter) -> R + Send + 'static,
        patience: Duration,
    ) -> Result<R, PoolError> {
        let (begun, begins) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |interpreter, given_up| {
            if begun.send(given_up.clone()).is_ok() {
                let _ = answer.send(job(interpreter));
            }
        });
        self.jobs.send(work).await.map_err(|_| PoolError::Closed)?;
        let given_up = begins.await.map_err(|_| PoolError::Closed)?;
        // A task of its own: the thread is watched even when whoever asked has gone away.
        let shop = self.shop.clone();
        let watch = tokio::spawn(async move {
            if let Ok(answer) = tokio::time::timeout(patience, answered).await {
                return answer.map_err(|_| PoolError::Lost);
            }
            given_up.store(true, Ordering::Release);
            shop.replace();
            Err(PoolError::Lost)
        });
        watch.await.unwrap_or(Err(PoolError::Closed))
    }

    /// Threads that have not come back so far. Four of them are a reason to call the server unready.
    pub fn lost(&self) -> usize {
        self.shop.lost.load(Ordering::Acquire)
    }
}

impl Shop {
    fn hire(self: &Arc<Self>) -> io::Result<()> {
        let shop = self.clone();
        let stack = match self.tier {
            Tier::Pure => PURE_STACK_BYTES,
            // A limit that was raised needs a stack that was raised: 128 bytes an operation.
            Tier::Data => DATA_STACK_BYTES
                .max(usize::try_from(self.limits.operations).unwrap_or(0).saturating_mul(128)),
        };
        thread::Builder::new()
            .name(format!("script-{}", self.tier.as_str()))
            .stack_size(stack)
            .spawn(move || shop.work())
            .map(drop)?;
        self.working.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn work(self: Arc<Self>) {
        let given_up = Arc::new(AtomicBool::new(false));
        // An engine with its functions is the better part of a megabyte: made when there is something to run.
        let mut interpreter = None;
        loop {
            // One thread at a time waits for the next job, holding the lock; the others wait for the lock.
            let Some(work) = self.jobs.lock().blocking_recv() else { return };
            let ready = interpreter.get_or_insert_with(|| self.interpreter());
            if panics::catch(|| work(ready, &given_up)).is_err() {
                // Scripts' panics are caught closer; this was the job's own. What it left behind is unknown.
                interpreter = None;
            }
            if given_up.load(Ordering::Acquire) {
                self.lost.fetch_sub(1, Ordering::AcqRel);
                return;
            }
        }
    }

    fn interpreter(&self) -> Interpreter {
        Interpreter::with_quarantine(
            self.tier,
            self.limits.clone(),
            self.install.as_ref(),
            self.quarantine.clone(),
        )
    }

    /// Nobody is left to hold the lock, or to take what waits: whoever asked, or asks from now on, is told.
    fn close(&self) {
        let mut jobs = self.jobs.lock();
        jobs.close();
        while jobs.try_recv().is_ok() {}
    }

    fn replace(self: &Arc<Self>) {
        let lost = self.lost.fetch_add(1, Ordering::AcqRel) + 1;
        metrics::counter!(telemetry::THREADS_LOST, "tier" => self.tier.as_str()).increment(1);
        tracing::error!(tier = self.tier.as_str(), lost, "a script thread did not come back");
        if lost <= MOST_LOST
            && let Err(error) = self.hire()
        {
            tracing::error!(tier = self.tier.as_str(), %error, "no thread could replace it");
        }
        if self.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.close();
        }
    }
}

#[cfg(test)]
mod tests;
