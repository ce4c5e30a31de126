//! Somebody at a terminal: `script` gives the program a real one.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::{desk::Desk, terminal::Terminal};

/// The program on a terminal of its own; the person's keys go to its stdin.
fn on_a_terminal(here: &Terminal, args: &[&str]) -> Command {
    let quoted = args.iter().map(|arg| format!("'{arg}'")).collect::<Vec<_>>().join(" ");
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("{} {quoted}", env!("CARGO_BIN_EXE_pocketdesk")), "/dev/null"])
        .env_clear()
        .envs(here.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("TERM", "xterm")
        .current_dir(here.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

fn seen(command: &mut Command) -> String {
    let done =
        command.stdin(Stdio::null()).output().expect("`script` of util-linux gives the test a terminal");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_code_is_asked_for_where_it_is_typed() {
    let desk = Desk::open();
    let here = Terminal::new();
    let mut child =
        on_a_terminal(&here, &["sign-in", &desk.url, "--email", "olena@example.com"]).spawn().unwrap();
    let code = desk.code_for("olena@example.com");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(format!("{wrong}\n{code}\n").as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("The code from the mail:") && said.contains("4 tries are left"), "{said}");
    assert!(said.contains("You are signed in"), "{said}");
    assert_eq!(here.one(&["accounts"])["email"], "olena@example.com");
}

#[test]
fn words_written_in_an_editor_are_filed() {
    let here = Terminal::new();
    let editor = here.file(
        "editor.sh",
        b"printf 'Till 2\\n\\nNo light\\n' | cat - \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"",
    );
    let editor = format!("sh {}", editor.display());
    let said = seen(on_a_terminal(&here, &["--offline", "new"]).env("EDITOR", &editor));
    assert!(said.contains("Saved on this computer"), "{said}");
    let ticket = here.json(&["show", here.one(&["list"])["id"].as_str().unwrap()]).remove(0);
    assert_eq!(ticket["subject"], "Till 2");
    assert_eq!(ticket["description"], "No light");
}

#[test]
fn words_stay_in_a_file_when_the_editor_fails() {
    let here = Terminal::new();
    here.one(&["--offline", "new", "--subject", "S", "--description", "D"]);
    let id = here.one(&["list"])["id"].as_str().unwrap().to_owned();
    let editor = here.file("editor.sh", b"printf 'half a reply' > \"$1\"; exit 1");
    let done = on_a_terminal(&here, &["--offline", "comment", &id])
        .env("EDITOR", format!("sh {}", editor.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let said = String::from_utf8_lossy(&done.stdout);
    let path = said.split("Your words are in ").nth(1).expect("it says where").trim().trim_end_matches('.');
    assert_eq!(std::fs::read_to_string(path).unwrap(), "half a reply");
    assert_eq!(here.json(&["show", &id]).len(), 1);
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let here = Terminal::new();
    here.one(&["--offline", "new", "--subject", "S", "--description", "D"]);
    assert!(seen(&mut on_a_terminal(&here, &["list"])).contains("\u{1b}["));
    assert!(!seen(on_a_terminal(&here, &["list"]).env("NO_COLOR", "1")).contains("\u{1b}["));
}
