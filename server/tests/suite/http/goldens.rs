//! What others build against, kept beside the code. `UPDATE_GOLDENS=1` writes them anew.

use std::path::Path;

/// Holds `now` against the file `name` of the crate.
pub fn golden(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var("UPDATE_GOLDENS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "server/{name} is not what the code says any more. If that is meant, run the test with UPDATE_GOLDENS=1, look \
         at the difference and commit it."
    );
}

#[test]
fn the_description_of_the_routes_is_the_golden_one() {
    golden("openapi.json", &format!("{}\n", pocketdesk_server::api::openapi_json()));
}

#[test]
fn help_explains_every_verb_and_every_setting() {
    let mut command = pocketdesk_server::commands::command().term_width(100);
    command.build();
    let mut text = command.render_long_help().to_string();
    explain("", &mut command, &mut text);
    for (key, variable) in pocketdesk_server::config::names() {
        assert!(text.contains(&key) && text.contains(&variable), "{key} is not explained");
    }
    golden("help.txt", &format!("{text}\n"));
}

fn explain(above: &str, command: &mut clap::Command, text: &mut String) {
    for verb in command.get_subcommands_mut() {
        let name = format!("{above}{}", verb.get_name());
        text.push_str(&format!("\n\n── {name} ──\n\n{}", verb.render_long_help()));
        // `help` repeats the tree.
        if name != "help" {
            explain(&format!("{name} "), verb, text);
        }
    }
}
