//! The person's words, when no option gave them: from their editor on a terminal, from stdin elsewhere.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::Command,
};

use crate::{app::App, failure::Stop};

/// Below this line an editor's file holds our hints, not the person's words.
const SCISSORS: &str = "------------------------ >8 ------------------------";
/// How an editor's file is called, around what makes it unique.
const PREFIX: &str = "words-";
const SUFFIX: &str = ".txt";
/// More than any desk takes; beyond it stdin is surely not what was meant.
const MOST: u64 = 8 << 20;

/// Words, and the file they still lie in: a write that fails must not take them along.
#[derive(Debug)]
pub struct Words {
    /// What was written.
    pub text: String,
    file: Option<tempfile::TempPath>,
}

impl Words {
    /// Words that stood on the command line: the shell's history still has them.
    pub fn given(text: String) -> Self {
        Self { text, file: None }
    }

    /// Splits off the first line.
    pub fn subject_and_rest(&self) -> (String, String) {
        let text = self.text.trim_start();
        let (subject, rest) = text.split_once('\n').unwrap_or((text, ""));
        (subject.trim().to_owned(), rest.trim().to_owned())
    }

    /// On failure keeps the editor's file and says where it is.
    pub fn keep_on<T>(&mut self, app: &App, result: Result<T, Stop>) -> Result<T, Stop> {
        result.map_err(|stop| match (stop, self.file.take().map(tempfile::TempPath::keep)) {
            (Stop::Failed { code, sentence }, Some(Ok(path))) => {
                let kept = app.out.say("terminal-words-kept", &[("path", path.display().to_string().into())]);
                Stop::Failed { code, sentence: format!("{sentence} {kept}") }
            }
            (stop, _) => stop,
        })
    }
}

impl App {
    /// Words for `hint`, beginning with `before`.
    pub fn words(&self, hint: &str, before: &str) -> Result<Words, Stop> {
        if self.setup.typed { self.edited(hint, before) } else { self.piped() }
    }

    fn piped(&self) -> Result<Words, Stop> {
        let mut bytes = Vec::new();
        let fail = |why: &std::io::Error| Stop::file(&self.out.texts, &PathBuf::from("stdin"), why);
        std::io::stdin().lock().take(MOST).read_to_end(&mut bytes).map_err(|why| fail(&why))?;
        let text =
            String::from_utf8(bytes).map_err(|_| Stop::failed(self.out.say("terminal-not-text", &[])))?;
        Ok(Words::given(text.trim_end().to_owned()))
    }

    fn edited(&self, hint: &str, before: &str) -> Result<Words, Stop> {
        // Beside the accounts, not in /tmp: words are nobody else's, and a reboot must not take them.
        let fail = |why: std::io::Error| Stop::file(&self.out.texts, &self.setup.data, &why);
        for left in self.left_words() {
            self.out
                .note(&self.out.say("terminal-words-left", &[("path", left.display().to_string().into())]));
        }
        let mut file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .tempfile_in(&self.setup.data)
            .map_err(fail)?;
        file.write_all(format!("{before}\n\n{SCISSORS}\n{hint}\n").as_bytes()).map_err(fail)?;
        let file = file.into_temp_path();
        let editor = self.setup.editor.as_deref().unwrap_or("vi");
        // Ctrl-C is the editor's while it is open; heard here as well, it would leave the words without a sender.
        let _editors =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(fail)?;
        // `EDITOR` may hold arguments ("code --wait"); a shell splits it as the person meant it.
        let done = Command::new("sh")
            .args(["-c", &format!("{editor} \"$1\""), "sh"])
            .arg(&file)
            .status()
            .map_err(fail)?;
        let text = std::fs::read_to_string(&file).map_err(fail)?;
        let text = text.split(SCISSORS).next().unwrap_or_default().trim().to_owned();
        let mut words = Words { text, file: Some(file) };
        if done.success() {
            return Ok(words);
        }
        let editor = self.out.say("terminal-editor-failed", &[("editor", editor.into())]);
        words.keep_on(self, Err(Stop::failed(editor)))
    }

    /// Files of editors whose terminal was closed, or that failed: words that nobody has sent.
    fn left_words(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.setup.data) else { return Vec::new() };
        let ours = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
        };
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(ours).collect()
    }

    /// A line the person types after `question`; none at the end of input, or where they press Ctrl-C.
    pub async fn typed(&self, question: &str) -> Option<String> {
        self.out.ask(question);
        tokio::select! {
            biased;
            // Heard here: once any part of this program has waited for it, it ends nothing by itself any more.
            _ = tokio::signal::ctrl_c() => {
                self.out.note("");
                None
            }
            line = line() => line,
        }
    }
}

/// The next line of stdin; none at its end.
#[allow(
    clippy::disallowed_methods,
    reason = "the person is waited for beside the microphone and Ctrl-C; the core has no part in it"
)]
pub async fn line() -> Option<String> {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    });
    line.await.ok().flatten()
}
