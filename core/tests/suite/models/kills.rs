//! The process dies: between any two bytes, between any two steps on the disk, in the middle of a write.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use pocketdesk_core::env::disk::{DiskFile, Found, Opening};

use super::*;

/// The real disk, until its process is dead.
#[derive(Clone)]
struct Mortal {
    left: Arc<AtomicI64>,
}

impl Mortal {
    fn new(steps: i64) -> Self {
        Self { left: Arc::new(AtomicI64::new(steps)) }
    }

    fn step(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(()) } else { Err(io::Error::other("dead")) }
    }
}

struct MortalFile(Mortal, Box<dyn DiskFile>);

impl Read for MortalFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1.read(into)
    }
}

impl Write for MortalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(dead) = self.0.step() {
            // Part of it may have arrived.
            if self.0.left.load(Ordering::SeqCst) == -1 {
                let _ = self.1.write(&bytes[..bytes.len() / 3]);
            }
            return Err(dead);
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for MortalFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.1.seek(to)
    }
}

impl DiskFile for MortalFile {
    fn length(&self) -> io::Result<u64> {
        self.1.length()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.0.step()?;
        self.1.cut(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.step()
    }
}

impl Disk for Mortal {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn make_private_dir(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.make_private_dir(dir)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.step()
    }

    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        SystemDisk.write_atomically(path, bytes)
    }

    fn open(&self, path: &Path, how: Opening) -> io::Result<Box<dyn DiskFile>> {
        self.step()?;
        Ok(Box::new(MortalFile(self.clone(), SystemDisk.open(path, how)?)))
    }

    fn find(&self, path: &Path) -> Found {
        SystemDisk.find(path)
    }

    fn untouched(&self, path: &Path) -> io::Result<Option<Duration>> {
        SystemDisk.untouched(path)
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        SystemDisk.names(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.remove(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        SystemDisk.remove_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        SystemDisk.lock(path)
    }
}

#[tokio::test]
async fn a_download_killed_two_hundred_times_fetches_at_most_one_chunk_again_each_time() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    let size = SPEECH.len() as u64;
    let mut dice = Dice(0x5eed);
    let (mut kills, mut whole, mut again, mut worst) = (0, 0, 0, 0);
    let mut before: Vec<(String, u64)> = Vec::new();
    while kills < 200 {
        // Half die on the disk, half in the middle of what comes; now and then one lives.
        let on_disk = dice.below(2) == 0;
        let steps = if on_disk { dice.below(90) as i64 } else { i64::MAX };
        let limit = if on_disk { u64::MAX } else { dice.below(size / 2) };
        let limited = std::sync::atomic::AtomicU64::new(limit);
        desk.behave(move |desk, sha256, from, _| {
            let limit = limited.swap(0, Ordering::SeqCst);
            if limit == 0 { Err(NetError::Unreachable.into()) } else { Ok(desk.piece(sha256, from, limit)) }
        });
        desk.asked();
        desk.sent_to.lock().unwrap().clear();
        let models = device_on(Arc::new(Mortal::new(steps)), folder.path(), rules());
        let ended = fetch(&models, &desk).await;
        drop(models);
        // What was fetched again is what had left the desk and was asked for once more.
        for (digest, from) in desk.asked() {
            if let Some(at) = before.iter().position(|(known, _)| *known == digest) {
                let lost = before.swap_remove(at).1.saturating_sub(from);
                assert!(lost <= CHUNK, "kill {kills}: {lost} bytes are fetched again");
                again += lost;
                worst = worst.max(lost);
            }
        }
        for (digest, to) in desk.sent_to.lock().unwrap().drain(..) {
            before.retain(|(known, _)| *known != digest);
            before.push((digest, to));
        }
        match ended {
            Err(_) => kills += 1,
            Ok(()) => {
                whole += 1;
                assert_eq!(loaded(&device(folder.path())), **SPEECH);
                device(folder.path()).remove("tiny.en-q5_1").await.unwrap();
                before.clear();
            }
        }
        // Whatever happened: what a load would get is whole or nothing.
        if let Ok(weights) = device(folder.path()).weights() {
            assert_eq!(std::fs::read(weights.speech).unwrap(), **SPEECH);
        }
    }
    println!("200 kills, {whole} whole downloads, {again} bytes again, at most {worst} for one kill");
    *desk.serve.lock().unwrap() = None;
    fetch(&device(folder.path()), &desk).await.unwrap();
    assert_eq!(loaded(&device(folder.path())), **SPEECH);
}

#[tokio::test]
async fn a_torn_write_costs_its_chunk_and_nothing_else() {
    let (desk, folder) = (Desk::usual(), tempfile::tempdir().unwrap());
    desk.behave(|desk, sha256, from, _| Ok(desk.piece(sha256, from, 2 * CHUNK + 1_000_000)));
    let models = device(folder.path());
    assert!(fetch(&models, &desk).await.is_err());
    let partial = names(folder.path()).into_iter().find(|name| name.ends_with(".partial")).unwrap();
    let path = folder.path().join("models").join(partial);
    // A power loss: the last bytes are zeros, and one of an earlier chunk that was synced is not.
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 600_000..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    desk.asked();
    *desk.serve.lock().unwrap() = None;
    fetch(&models, &desk).await.unwrap();
    let asked: Vec<u64> = desk.asked().into_iter().map(|(_, from)| from).collect();
    assert_eq!(
        asked,
        [end as u64, 2 * CHUNK],
        "the torn chunk is noticed when it is whole, and fetched alone"
    );
    assert_eq!(loaded(&models), **SPEECH);
}
