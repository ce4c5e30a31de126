//! The real program, run as a person or a script runs it, with a folder of accounts of its own.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::desk::Desk;

pub struct Terminal {
    home: tempfile::TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// The JSON lines; nothing else may be there.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line:?} of {self:?}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// It failed with that code, one sentence on stderr, and nothing on stdout.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        assert!(self.stderr.trim_end().ends_with('.'), "no sentence: {self:?}");
        self.stderr
    }
}

impl Terminal {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pocketdesk"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("POCKETDESK_DATA", self.folder().join("accounts"))
            .env("LC_ALL", "en_GB.UTF-8")
            .env("TZ", "UTC")
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    /// Runs it and hands back whatever came.
    pub fn run(&self, args: &[&str]) -> Said {
        self.fed(args, None)
    }

    pub fn fed(&self, args: &[&str], stdin: Option<&str>) -> Said {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if stdin.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(text) = stdin {
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        }
        let done = child.wait_with_output().unwrap();
        Said {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8(done.stdout).unwrap(),
            stderr: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// Runs it with `--json`; it must be done.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let said = self.run(&[args, &["--json"]].concat());
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        said.lines()
    }

    /// As [`Self::json`], of one line.
    #[track_caller]
    pub fn one(&self, args: &[&str]) -> Value {
        let lines = self.json(args);
        assert_eq!(lines.len(), 1, "{args:?}: {lines:?}");
        lines.into_iter().next().unwrap()
    }

    /// Runs it for a person; it must be done.
    #[track_caller]
    pub fn says(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        said.stdout.replace('\u{a0}', " ")
    }

    /// Signs in, asking in one process and finishing in another.
    pub fn sign_in(&self, desk: &Desk, email: &str) -> Value {
        let asked = self.one(&["sign-in", &desk.url, "--email", email]);
        assert_eq!(asked["email"], email);
        self.one(&["sign-in", &desk.url, "--email", email, "--code", &desk.code_for(email)])
    }

    /// A file in its folder.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Starts it and reads its JSON lines as they come.
    pub fn started(&self, args: &[&str]) -> Started {
        let mut child = self
            .command(&[args, &["--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (send, came) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                if send.send(serde_json::from_str(&line).unwrap_or(Value::String(line))).is_err() {
                    break;
                }
            }
        });
        Started { child, came }
    }
}

/// A run that goes on; killed when dropped.
pub struct Started {
    child: Child,
    came: std::sync::mpsc::Receiver<Value>,
}

impl Started {
    /// Waits for a line that fits.
    #[track_caller]
    pub fn until(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut others = Vec::new();
        loop {
            match self.came.recv_timeout(crate::desk::PATIENCE) {
                Ok(line) if fits(&line) => return line,
                Ok(line) => others.push(line),
                Err(why) => panic!("never said {what} ({why}): {others:?}"),
            }
        }
    }

    /// Ctrl-C.
    pub fn interrupted(mut self) -> i32 {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
