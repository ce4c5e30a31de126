//! Runs everything: fills the desk, gives each task to each of the three in turns, keeps what they say.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

use crate::{
    Args, Result, Who,
    child::Task,
    data::{self, Data, Size},
    desk::Desk,
    files, phone,
    proxy::Proxy,
    table::Table,
};

/// From the phone to the desk and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Comments written offline.
const REPLIES: usize = 1_000;
/// A child that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(300);

struct Bench {
    desk: Desk,
    data: Data,
    home: PathBuf,
    table: Table,
    /// Straight through, but counted.
    near: Proxy,
    rounds: usize,
    only: Vec<String>,
}

/// See the module.
pub async fn run(args: &Args) -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("An unoptimised build measures nothing; run it through `cargo x bench`.".into());
    }
    let size = if args.small { Size::SMALL } else { Size::FULL };
    let scratch = tempfile::tempdir()?;
    let home = args.data.clone().unwrap_or_else(|| scratch.path().to_owned());
    let began = Instant::now();
    let data = data::generate(size);
    let desk = Desk::open(&home.join(if args.small { "small" } else { "full" }), &data).await?;
    println!(
        "{} tickets, {} comments, {} files by name at the desk after {:.0} s; {} rounds\n",
        size.tickets,
        size.comments,
        size.files,
        began.elapsed().as_secs_f32(),
        args.rounds
    );
    let near = Proxy::start(desk.running.addr(), Duration::ZERO).await?;
    let mut bench = Bench {
        desk,
        data,
        home: scratch.path().join("phones"),
        table: Table::default(),
        near,
        rounds: args.rounds,
        only: args.only.clone(),
    };
    bench.all().await?;
    print!("{}", bench.table.printed());
    Ok(())
}

impl Bench {
    fn wants(&self, task: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == task)
    }

    async fn all(&mut self) -> Result<()> {
        for round in 0..self.rounds {
            for who in Who::ALL {
                // The last of these is what all else stands on.
                let dir = self.folder(who, "synced");
                if round == 0 || self.wants("sync") {
                    self.fresh(who, &dir).await?;
                    let url = self.desk.running.url();
                    self.measure(who, "sync", &dir, &url, |_| ()).await?;
                    self.table.add("sync", who, "disk_mb", files::size_mb(&dir)?);
                }
                if self.wants("first") {
                    let dir = self.folder(who, "first");
                    self.fresh(who, &dir).await?;
                    let far = Proxy::start(self.desk.running.addr(), ROUND_TRIP).await?;
                    self.measure(who, "first", &dir, &far.url, |_| ()).await?;
                    let bytes =
                        far.counts.down.load(Ordering::Relaxed) + far.counts.up.load(Ordering::Relaxed);
                    self.table.add("first", who, "wire_mb", bytes as f64 / 1e6);
                }
                eprint!(".");
            }
        }
        for who in Who::ALL {
            let dir = self.folder(who, "synced");
            let url = self.desk.running.url();
            self.measure(who, "idle", &dir, &url, |_| ()).await?;
            self.table.add("idle", who, "disk_mb", files::size_mb(&dir)?);
        }
        for round in 0..self.rounds {
            for who in Who::ALL {
                self.daily(who, round).await?;
                eprint!(".");
            }
        }
        eprintln!();
        Ok(())
    }

    /// What a day brings, each on a copy of the synced folder.
    async fn daily(&mut self, who: Who, round: usize) -> Result<()> {
        let synced = self.folder(who, "synced");
        let url = self.desk.running.url();
        if self.wants("reads") {
            self.measure(who, "reads", &synced, &url, |_| ()).await?;
        }
        if self.wants("cold") {
            self.measure(who, "cold", &synced, &url, |_| ()).await?;
            files::forget_pages(&synced)?;
            let measured = self.child(&self.task("cold", &synced, &url).await?, who, None).await?;
            self.table.take("cold-disk", who, &measured);
        }
        if self.wants("write") {
            let dir = self.copied(who, "write", round)?;
            self.measure(who, "write", &dir, &url, |_| ()).await?;
            if round == 0 {
                let count = self.fsyncs(who, &dir).await?;
                if let Some(count) = count {
                    self.table.add("write", who, "fsyncs", count);
                }
            }
            std::fs::remove_dir_all(&dir)?;
        }
        if self.wants("delta") {
            let dir = self.copied(who, "delta", round)?;
            let near = self.near.url.clone();
            let ticket = self.data.tickets[self.data.tickets.len() / 2];
            self.measure(who, "delta", &dir, &near, |task| task.tickets = vec![ticket]).await?;
            std::fs::remove_dir_all(&dir)?;
        }
        if self.wants("push") {
            let dir = self.copied(who, "push", round)?;
            self.measure(who, "push", &dir, &url, |_| ()).await?;
            std::fs::remove_dir_all(&dir)?;
        }
        Ok(())
    }

    fn near_bytes(&self) -> u64 {
        self.near.counts.down.load(Ordering::Relaxed) + self.near.counts.up.load(Ordering::Relaxed)
    }

    fn folder(&self, who: Who, what: &str) -> PathBuf {
        self.home.join(format!("{}-{what}", who.name()))
    }

    fn copied(&self, who: Who, what: &str, round: usize) -> Result<PathBuf> {
        let dir = self.folder(who, &format!("{what}-{round}"));
        files::copy(&self.folder(who, "synced"), &dir)?;
        Ok(dir)
    }

    /// A phone that has nothing but its session.
    async fn fresh(&self, who: Who, dir: &Path) -> Result<()> {
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        std::fs::create_dir_all(dir)?;
        if who == Who::Core {
            phone::sign_in(dir, &self.desk).await?;
        }
        Ok(())
    }

    async fn task(&self, name: &str, dir: &Path, url: &str) -> Result<Task> {
        let small = self.data.tickets.len() < Size::FULL.tickets;
        let text = |n: usize| {
            format!("написано без сети, {n}: проверьте принтер и договор, пожалуйста, потом позвоните")
        };
        let replies = match name {
            "push" => REPLIES,
            "write" => 300,
            _ => 0,
        };
        let tickets = &self.data.tickets;
        Ok(Task {
            name: name.to_owned(),
            dir: dir.to_owned(),
            url: url.to_owned(),
            token: self.desk.token().await?,
            me: self.desk.me,
            tickets: self.data.long.clone(),
            replies: (0..replies).map(|n| (tickets[(n * 7919) % tickets.len()], text(n))).collect(),
            rounds: if small { 100 } else { 400 },
        })
    }

    async fn measure(
        &mut self,
        who: Who,
        name: &str,
        dir: &Path,
        url: &str,
        change: impl FnOnce(&mut Task),
    ) -> Result<()> {
        let mut task = self.task(name, dir, url).await?;
        change(&mut task);
        let measured = self.child(&task, who, None).await?;
        self.table.take(name, who, &measured);
        Ok(())
    }

    /// A task in a process of its own; `through` is a program to start it with.
    async fn child(&self, task: &Task, who: Who, through: Option<&mut Command>) -> Result<Value> {
        let program = std::env::current_exe()?;
        let mut plain = Command::new(&program);
        let command = match through {
            Some(through) => through.arg(&program),
            None => &mut plain,
        };
        // A thousand comments are more than a command line holds.
        let brief = task.dir.with_extension("task");
        std::fs::write(&brief, serde_json::to_vec(task)?)?;
        let mut child = command
            .args(["child", who.name()])
            .arg(&brief)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = child.stdin.take().ok_or("the child has no input")?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
        let mut began = None;
        let talk = async {
            let mut last = None;
            while let Some(line) = lines.next_line().await? {
                if line == "ready" {
                    began = Some(self.near_bytes());
                    self.desk.move_ticket(task.ticket()?).await?;
                    input.write_all(b"go\n").await?;
                } else {
                    last = Some(line);
                }
            }
            let status = child.wait().await?;
            match last {
                Some(line) if status.success() => Ok::<Value, crate::Failure>(serde_json::from_str(&line)?),
                _ => Err(format!("{} did not end {:?}: {status}", who.name(), task.name).into()),
            }
        };
        let mut measured = tokio::time::timeout(PATIENCE, talk)
            .await
            .unwrap_or_else(|_| Err(format!("{} hangs in {:?}", who.name(), task.name).into()))?;
        if let Some(began) = began {
            measured["wire_kb"] = Value::from((self.near_bytes() - began) as f64 / 1024.0);
        }
        Ok(measured)
    }

    /// How often one write reaches for the disk, where strace is there to count it.
    async fn fsyncs(&self, who: Who, dir: &Path) -> Result<Option<f64>> {
        const WRITES: usize = 100;
        let log = dir.join("strace");
        let mut counts = Vec::new();
        for writes in [0, WRITES] {
            let mut task = self.task("write", dir, &self.desk.running.url()).await?;
            task.replies.truncate(writes.max(1));
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&log);
            if self.child(&task, who, Some(&mut strace)).await.is_err() {
                return Ok(None);
            }
            counts.push(std::fs::read_to_string(&log)?.lines().filter(|line| line.contains("sync(")).count());
        }
        Ok(Some((counts[1] as f64 - counts[0] as f64) / (WRITES - 1) as f64))
    }
}
