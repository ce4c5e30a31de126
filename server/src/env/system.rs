//! The operating system behind the ports.
#![allow(clippy::disallowed_methods)]

use std::{
    io::{self, Write as _},
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::BoxFuture;

use super::{Clock, Job, Queue, Rng, Work};

/// Real time, real chance, real threads. Tasks run on the tokio runtime that started them.
pub struct System {
    began: Instant,
}

impl System {
    /// Monotonic time counts from here.
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for System {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

impl Rng for System {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

impl Work for System {
    fn queue(&self, name: &str) -> Arc<dyn Queue> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in inbox {
                    job();
                }
            })
            .expect("the operating system gives a thread");
        Arc::new(Thread { jobs })
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}

/// A thread that ends when nobody can hand it a job any more.
struct Thread {
    jobs: mpsc::Sender<Job>,
}

impl Queue for Thread {
    fn run(&self, job: Job) -> BoxFuture<'static, ()> {
        let (done, wait) = tokio::sync::oneshot::channel();
        let wrapped: Job = Box::new(move || {
            // A panic fails its own job: the queue serves everybody else.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            let _ = done.send(());
        });
        let sent = self.jobs.send(wrapped);
        Box::pin(async move {
            if sent.is_ok() {
                let _ = wait.await;
            }
        })
    }
}

/// Makes a folder only its owner can enter, and its parents.
pub fn private_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }
    #[cfg(not(unix))]
    std::fs::create_dir_all(path)
}

/// Reads a small secret, or makes it with `make`, readable by its owner alone and durable when this returns. Of two
/// processes that make it at once, one wins and both read the same.
pub fn load_or_create_secret(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let folder = path.parent().ok_or_else(|| io::Error::other("a secret lies in a folder"))?;
    private_folder(folder)?;
    let staged = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged)?;
    file.write_all(make().as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&staged, path);
    std::fs::remove_file(&staged)?;
    match linked {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        _ => std::fs::File::open(folder)?.sync_all()?,
    }
    std::fs::read_to_string(path)
}
