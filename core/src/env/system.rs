//! The real ports: the system's clock and chance, threads, and secrets in files. The network's adapter is
//! `remote`. Everything else in the core goes through the traits, so this file alone may touch these.
#![allow(clippy::disallowed_methods)]

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, mpsc},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;
use tokio::{runtime::Handle, sync::oneshot};

use super::{Clock, Job, Queue, Rng, Secrets, SecretsError, Work, disk};

/// The system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn monotonic(&self) -> u64 {
        monotonic_ms()
    }

    fn boot(&self) -> String {
        static BOOT: OnceLock<String> = OnceLock::new();
        BOOT.get_or_init(boot_name).clone()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Time since the boot, sleep included: an op made before the phone slept is as old as it looks.
#[cfg(unix)]
fn monotonic_ms() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}

#[cfg(not(unix))]
fn monotonic_ms() -> u64 {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The kernel's name of this boot where there is one; else a name of this process, so that times are never
/// compared where that cannot be known to be right.
fn boot_name() -> String {
    let mut name = String::new();
    let kernel = OpenOptions::new().read(true).open("/proc/sys/kernel/random/boot_id");
    if let Ok(file) = kernel
        && file.take(64).read_to_string(&mut name).is_ok()
        && !name.trim().is_empty()
        && cfg!(unix)
    {
        return name.trim().to_owned();
    }
    let mut random = [0; 16];
    SystemRng.fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The system's chance.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("without the system's chance there are neither keys nor ids");
    }
}

/// A thread for every queue; tasks on the runtime it was given.
#[derive(Debug, Clone)]
pub struct SystemWork {
    runtime: Handle,
}

impl SystemWork {
    /// Work of that runtime.
    pub fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

impl Work for SystemWork {
    fn queue(&self, name: &str) -> Arc<dyn Queue> {
        let (jobs, todo) = mpsc::channel::<(Job, oneshot::Sender<()>)>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // The thread ends when the last handle of the queue is dropped and what was queued has run.
                for (job, done) in todo {
                    // A panic must reach the caller (as an answer that never came) and not stop the queue: other
                    // jobs hold other people's words.
                    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)));
                    let _ = done.send(());
                }
            })
            .expect("a thread can be started");
        Arc::new(ThreadQueue { jobs })
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.runtime.spawn(task));
    }
}

struct ThreadQueue {
    jobs: mpsc::Sender<(Job, oneshot::Sender<()>)>,
}

impl Queue for ThreadQueue {
    fn run(&self, job: Job) -> BoxFuture<'static, ()> {
        let (done, ran) = oneshot::channel();
        // Queued at once, not at the first poll: a caller that goes away must not undo what was begun.
        let queued = self.jobs.send((job, done));
        Box::pin(async move {
            if queued.is_ok() {
                let _ = ran.await;
            }
        })
    }
}

/// Secrets in files of mode 0600 in a folder of mode 0700. That keeps other users of the machine away and nobody
/// else: whoever reads as this user, or as root, or the disk itself, has the keys too.
#[derive(Debug, Clone)]
pub struct FileSecrets {
    dir: PathBuf,
}

impl FileSecrets {
    /// Secrets under `dir`, which is made at the first save.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretsError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
            return Err(failed("a secret's name has only a-z, 0-9 and -"));
        }
        Ok(self.dir.join(name))
    }
}

/// Bytes of the largest secret: keys and tokens, nothing that grows.
const LARGEST_SECRET: u64 = 64 << 10;

impl Secrets for FileSecrets {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SecretsError> {
        let path = self.path(name)?;
        let file = match OpenOptions::new().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("{}: {error}", path.display()))),
        };
        private(&self.dir, 0o700)?;
        private(&path, 0o600)?;
        let mut secret = Vec::new();
        file.take(LARGEST_SECRET)
            .read_to_end(&mut secret)
            .map_err(|error| failed(format!("{}: {error}", path.display())))?;
        Ok(Some(secret))
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretsError> {
        let path = self.path(name)?;
        let write = || -> std::io::Result<()> {
            disk::make_private_dir(&self.dir)?;
            disk::write_atomically(&path, secret)
        };
        write().map_err(|error| failed(format!("{}: {error}", path.display())))?;
        private(&self.dir, 0o700)
    }

    fn remove(&self, name: &str) -> Result<(), SecretsError> {
        let path = self.path(name)?;
        let failed_at = |error: std::io::Error| failed(format!("{}: {error}", path.display()));
        let length = match std::fs::metadata(&path) {
            Ok(facts) => facts.len().min(LARGEST_SECRET),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed_at(error)),
        };
        // Overwritten first, for what that is worth on this kind of disk.
        if let Ok(mut file) = OpenOptions::new().write(true).open(&path) {
            let _ = file.write_all(&vec![0; usize::try_from(length).unwrap_or(0)]);
            let _ = file.sync_all();
        }
        std::fs::remove_file(&path).map_err(failed_at)?;
        disk::sync_dir(&self.dir).map_err(failed_at)
    }
}

fn failed(reason: impl Into<String>) -> SecretsError {
    SecretsError::Failed { reason: reason.into() }
}

/// Refuses what others may read or write.
#[cfg(unix)]
fn private(path: &Path, mode: u32) -> Result<(), SecretsError> {
    use std::os::unix::fs::PermissionsExt;
    let facts = std::fs::metadata(path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    let found = facts.permissions().mode() & 0o777;
    if found & !mode == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(failed(format!(
        "{path} can be read by other users of this machine (mode {found:o}), so it is not used; \
         if nobody has read it, run: chmod {mode:o} '{path}'"
    )))
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> Result<(), SecretsError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_and_is_forgotten_when_told() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = FileSecrets::new(dir.path().join("secrets"));
        assert_eq!(secrets.load("account-a").unwrap(), None);
        secrets.save("account-a", &[7; 32]).unwrap();
        secrets.save("account-a", &[8; 32]).unwrap();
        assert_eq!(
            FileSecrets::new(dir.path().join("secrets")).load("account-a").unwrap(),
            Some(vec![8; 32])
        );
        secrets.remove("account-a").unwrap();
        secrets.remove("account-a").unwrap();
        assert_eq!(secrets.load("account-a").unwrap(), None);
        assert_eq!(
            std::fs::read_dir(dir.path().join("secrets")).unwrap().count(),
            0,
            "no copy is left behind"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_key_others_can_read_is_refused_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let secrets = FileSecrets::new(dir.path().join("secrets"));
        secrets.save("account-a", &[7; 32]).unwrap();
        let path = dir.path().join("secrets/account-a");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = secrets.load("account-a").unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(dir.path().join("secrets"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = secrets.load("account-a").unwrap_err().to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
    }

    #[test]
    fn a_name_is_never_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = FileSecrets::new(dir.path());
        for name in ["", "../x", "a/b", "A", "."] {
            assert!(secrets.save(name, b"x").is_err(), "{name:?}");
        }
    }

    #[tokio::test]
    async fn a_queue_keeps_order_and_outlives_a_panic() {
        let work = SystemWork::new(Handle::current());
        let queue = work.queue("test");
        let (tell, told) = mpsc::channel();
        let mut waits = Vec::new();
        for n in 0..10 {
            let tell = tell.clone();
            waits.push(queue.run(Box::new(move || {
                assert_ne!(n, 3, "a job that fails");
                tell.send(n).unwrap();
            })));
        }
        for wait in waits {
            wait.await;
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    }
}
