//! A private PostgreSQL cluster for this process: real, in a folder of its own, reached by a socket in it. It ends and
//! is removed with the process, however that ends: the shell that runs it waits for the end of our pipe.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::store::StoreConfig;

const SCRIPT: &str = r#"
set -e
# A signal to the whole group (Ctrl-C, a time limit) ends the tests, and their end is what ends us.
trap '' INT HUP TERM
bin=$1
dir=$(mktemp -d /tmp/pocketdesk-postgres-XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --no-sync >"$dir/log" 2>&1
"$bin/postgres" -D "$dir/data" -c listen_addresses= -c unix_socket_directories="$dir" -c fsync=off \
  -c max_connections=400 -c deadlock_timeout=100ms >>"$dir/log" 2>&1 &
pid=$!
until "$bin/pg_isready" -q -h "$dir" -U postgres; do kill -0 $pid; sleep 0.1; done
echo "$dir"
cat >/dev/null || true
kill -INT $pid
wait $pid || true
"#;

struct Cluster {
    folder: String,
    // Its pipe is what keeps the cluster alive.
    _shell: Child,
}

/// A new, empty database; `None` where PostgreSQL is not installed, with the reason printed. A skip fails in CI.
pub async fn database() -> Option<StoreConfig> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let cluster = match CLUSTER.get_or_init(start) {
        Ok(cluster) => cluster,
        Err(why) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL is needed in CI: {why}");
            #[allow(clippy::print_stderr)]
            {
                eprintln!("SKIPPED: {why}");
            }
            return None;
        }
    };
    let name = format!("desk{}", DATABASES.fetch_add(1, Ordering::SeqCst));
    let url = |database: &str| format!("host={} user=postgres dbname={database}", cluster.folder);
    let (client, connection) =
        tokio_postgres::connect(&url("postgres"), tokio_postgres::NoTls).await.expect("the cluster answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
    drop(client);
    let _ = connection.await;
    Some(StoreConfig::Postgres(url(&name)))
}

fn start() -> Result<Cluster, String> {
    let bin = installed().ok_or("PostgreSQL is not installed (Debian: apt-get install postgresql)")?;
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    // PostgreSQL refuses to run as root.
    let mut command = if root { Command::new("runuser") } else { Command::new("sh") };
    if root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    command.args(["-c", SCRIPT, "sh"]).arg(bin).current_dir("/tmp");
    let mut shell = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("PostgreSQL cannot be started: {error}"))?;
    let mut folder = String::new();
    let out = shell.stdout.take().expect("it was piped");
    BufReader::new(out).read_line(&mut folder).map_err(|error| error.to_string())?;
    if folder.trim().is_empty() {
        return Err("PostgreSQL did not start".into());
    }
    Ok(Cluster { folder: folder.trim().to_owned(), _shell: shell })
}

/// The newest installed version's programs.
fn installed() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin): &(u32, PathBuf)| is_whole(bin))
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

fn is_whole(bin: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"].iter().all(|program| bin.join(program).exists())
}
