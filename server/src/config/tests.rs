//! What an operator gets wrong, and how they learn of it.

#![allow(clippy::disallowed_methods)]

use super::*;

fn sources(file: &str, environment: &[(&str, &str)]) -> Sources {
    Sources {
        file: Some(("desk.toml".into(), file.into())),
        environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        flags: Flags { data: Some("/srv/desk".into()), ..Flags::default() },
    }
}

#[test]
fn a_misspelt_key_is_named_and_does_not_leave_the_desk_open() {
    let error = read(sources("sing_up = \"invited\"", &[])).unwrap_err();
    assert_eq!(error.to_string(), "desk.toml: unknown key sing_up");
    let error = read(sources("[mail]\nsmpt = \"x\"", &[])).unwrap_err();
    assert_eq!(error.to_string(), "desk.toml: unknown key mail.smpt");
    let misspelt = sources("", &[("POCKETDESK_SERVER_SIGNUP", "open")]);
    assert_eq!(strangers(&misspelt.environment), ["POCKETDESK_SERVER_SIGNUP"]);
    assert_eq!(read(misspelt).unwrap().sign_up, SignUp::Invited);
}

#[test]
fn environment_wins_over_the_file_and_flags_over_both() {
    let mut sources = sources(
        "listen = \"127.0.0.1:1\"\ndesk_name = \"A\"\nsign_up = \"open\"",
        &[("POCKETDESK_SERVER_LISTEN", "127.0.0.1:2"), ("POCKETDESK_SERVER_DESK_NAME", "B")],
    );
    sources.flags.listen = Some(([127, 0, 0, 1], 3).into());
    let config = read(sources).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.desk_name, "B");
    assert_eq!(config.sign_up, SignUp::Open);
}

#[test]
fn invited_is_the_default_and_open_only_for_development() {
    assert_eq!(read(sources("", &[])).unwrap().sign_up, SignUp::Invited);
    assert_eq!(Config::development("/tmp/x").sign_up, SignUp::Open);
}

#[test]
fn a_secret_may_stand_in_a_file_but_not_in_two_places() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "postgres://desk@db/desk\n").unwrap();
    let path = path.to_str().unwrap();
    let config = read(sources(&format!("database_file = {path:?}"), &[])).unwrap();
    assert_eq!(config.database, Some(Secret("postgres://desk@db/desk".into())));
    let error = read(sources(
        &format!("database_file = {path:?}"),
        &[("POCKETDESK_SERVER_DATABASE", "postgres://x")],
    ));
    assert!(error.unwrap_err().to_string().contains("one of the two"));
}

#[test]
fn no_secret_is_in_debug_output() {
    let text = "database = \"postgres://desk:hunter2@db/desk\"\n[mail]\nsmtp = \"smtps://u:hunter2@h\"\nfrom = \"a@b.example\"\n\
                [s3]\nbucket = \"b\"\naccess_key_id = \"k\"\nsecret_access_key = \"hunter2\"";
    let config = read(sources(text, &[])).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn plain_http_to_the_world_is_refused() {
    let mail = "[mail]\nsmtp = \"smtp://h\"\nfrom = \"a@b.example\"";
    let open =
        |extra: &str| read(sources(&format!("listen = \"0.0.0.0:80\"\n{extra}\n{mail}"), &[])).unwrap();
    assert!(open("").check_serving().unwrap_err().to_string().contains("loopback alone"));
    open("trusted_proxies = [\"10.0.0.2\"]").check_serving().unwrap();
    let tls =
        read(sources(&format!("listen = \"0.0.0.0:443\"\n{mail}\n[tls]\ncert = \"c\"\nkey = \"k\""), &[]))
            .unwrap();
    tls.check_serving().unwrap();
}

#[test]
fn a_server_nobody_can_sign_in_to_does_not_start() {
    let error = read(sources("", &[])).unwrap().check_serving().unwrap_err();
    assert!(error.to_string().contains("[mail] smtp and from"), "{error}");
}

#[test]
fn codes_are_never_printed_to_a_server_the_world_reaches() {
    let mut config = Config::development("/tmp/x");
    config.listen = ([0, 0, 0, 0], 80).into();
    config.trusted_proxies = vec![[10, 0, 0, 2].into()];
    assert!(config.check_serving().is_err());
}

#[test]
fn files_do_not_travel_to_s3_in_the_clear() {
    let mut config = Config::development("/tmp/x");
    let s3 = |endpoint: &str| S3 {
        bucket: "b".into(),
        region: "r".into(),
        endpoint: Some(endpoint.into()),
        access_key_id: String::new(),
        secret_access_key: String::new(),
        prefix: None,
    };
    config.s3 = Some(s3("http://s3.firm.example"));
    assert!(config.check_serving().is_err());
    config.s3 = Some(s3("http://127.0.0.1.firm.example:80"));
    assert!(config.check_serving().is_err());
    for fine in ["https://s3.firm.example", "http://127.0.0.1:7070", "http://[::1]:7070"] {
        config.s3 = Some(s3(fine));
        config.check_serving().unwrap();
    }
}

#[test]
fn a_database_that_is_none_is_refused_without_repeating_its_password() {
    for fine in ["postgres://desk@db/desk", "postgresql://db", "host=/run/postgresql dbname=desk"] {
        read(sources(&format!("database = {fine:?}"), &[])).unwrap();
    }
    for wrong in ["mysql://desk:hunter2@db/desk", "desk.db", "hunter2", "postgres://db/desk?hunter2=1"] {
        let error = read(sources(&format!("database = {wrong:?}"), &[])).unwrap_err().to_string();
        assert!(error.starts_with("database: must be like") && !error.contains("hunter2"), "{error}");
    }
}
