//! Sixteen writers at once on PostgreSQL, slow ones and ones that give up among them: the journal skips nothing. The
//! same writers, read by a serial cursor and by an `updated_at` cursor, lose rows: that is why there is a journal.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use pocketdesk_protocol::{
    ids::{EntityId, Scope},
    rows::kind,
};
use pocketdesk_server::{
    context::{Context, ServiceError},
    journal::{self, cursor::Position},
    staff,
    store::{Mode, StoreError, write::with_write},
    testing::{Setting, TestServer},
    values,
};

use super::support::{Phone, all_applied, on_both_stores};

/// Writers at once.
const WRITERS: u64 = 16;
/// Transactions of each.
const ROUNDS: u64 = 40;

on_both_stores! { Setting::default();
    sixteen_writers_and_no_row_is_skipped,
    two_people_of_one_ticket_never_wait_for_each_other_for_ever,
}

/// A table with what the other two kinds of cursor need.
const SERIAL: &str = "CREATE TABLE serial_row (id BIGSERIAL NOT NULL PRIMARY KEY, entity TEXT NOT NULL, \
                      updated_at BIGINT NOT NULL)";

/// What a writer does to its transaction, from a number: nothing, sleep in it, or give up.
fn nature(seed: u64) -> (Duration, bool) {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let slow = if mixed.is_multiple_of(4) { mixed % 25 } else { 0 };
    (Duration::from_millis(slow), mixed % 5 == 1)
}

/// Writes rows into the desk's scope (and two more, in any order) until its rounds are over. Answers what was
/// committed. With `serial`, each row goes into the serial table as well, before the pause.
async fn writer(
    ctx: Context,
    n: u64,
    scopes: Vec<Scope>,
    clock: Arc<AtomicI64>,
    serial: bool,
) -> BTreeSet<EntityId> {
    let mut committed = BTreeSet::new();
    for round in 0..ROUNDS {
        let entity = EntityId(ctx.env.new_id());
        let (pause, gives_up) = nature(n * 1000 + round);
        let (scopes, clock) = (&scopes, &clock);
        let result: Result<(), ServiceError> = with_write(&ctx, move |tx, _| {
            Box::pin(async move {
                if serial {
                    let now = clock.fetch_add(1, Ordering::SeqCst);
                    let sql = "INSERT INTO serial_row (entity, updated_at) VALUES ($1, $2)";
                    tx.execute(sql, &values![entity, now]).await?;
                }
                tokio::time::sleep(pause).await;
                tx.touched.row(scopes.iter().copied(), kind::EVENT, entity);
                if gives_up {
                    return Err(ServiceError::NotFound("wish to go on"));
                }
                Ok(())
            })
        })
        .await;
        match result {
            Ok(()) => drop(committed.insert(entity)),
            Err(ServiceError::NotFound(_)) => assert!(gives_up),
            Err(error) => panic!("a writer failed: {error}"),
        }
    }
    committed
}

/// Reads a scope's journal by its cursor from `at` until the writers are done and there is no more; every commit it meets has
/// the next position.
async fn reader(ctx: Context, scope: Scope, mut at: (i64, i64), done: Arc<AtomicBool>) -> BTreeSet<EntityId> {
    let mut seen = BTreeSet::new();
    loop {
        let last_look = done.load(Ordering::SeqCst);
        let mut tx = ctx.store.begin(Mode::Read).await.unwrap();
        let tx = tx.as_mut();
        let heads = journal::heads(tx, &[scope].into()).await.unwrap();
        let position =
            Position { epoch: journal::epoch(tx).await.unwrap(), scopes_rev: 0, at: [(scope, at)].into() };
        assert_eq!(position.stale(tx, position.epoch, 0, &heads).await.unwrap(), None);
        let rows = tx
            .query(
                "SELECT entity, seq FROM journal_item WHERE scope = $1 AND seq > $2 ORDER BY seq",
                &values![scope, at.0],
            )
            .await
            .unwrap();
        let commits = tx
            .query(
                "SELECT seq FROM journal_commit WHERE scope = $1 AND seq > $2 ORDER BY seq",
                &values![scope, at.0],
            )
            .await
            .unwrap();
        let positions: Vec<i64> = commits.iter().map(|row| row[0].int().unwrap()).collect();
        assert_eq!(positions, (at.0 + 1..=heads[0].seq).collect::<Vec<_>>(), "positions are gap-free");
        seen.extend(rows.iter().map(|row| row[0].id::<EntityId>().unwrap()));
        at = (heads[0].seq, heads[0].tag);
        if last_look {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn head(ctx: &Context, scope: Scope) -> (i64, i64) {
    let mut tx = ctx.store.begin(Mode::Read).await.unwrap();
    let heads = journal::heads(tx.as_mut(), &[scope].into()).await.unwrap();
    heads.first().map_or((0, 0), |head| (head.seq, head.tag))
}

async fn sixteen_writers_and_no_row_is_skipped(server: TestServer) {
    let ctx = &server.ctx;
    let olena = Phone::of(ctx, "Olena").await;
    let taras = Phone::of(ctx, "Taras").await;
    let people = [Scope::Person(olena.session.person), Scope::Person(taras.session.person)];
    let done = Arc::new(AtomicBool::new(false));
    // Where they stand is settled before the first writer begins.
    let (desk, own) = (head(ctx, Scope::Desk).await, head(ctx, people[0]).await);
    let reads = tokio::spawn(reader(ctx.clone(), Scope::Desk, desk, done.clone()));
    let reads_own = tokio::spawn(reader(ctx.clone(), people[0], own, done.clone()));
    let clock = Arc::new(AtomicI64::new(0));
    let mut writers = Vec::new();
    for n in 0..WRITERS {
        // Named in either order: the journal locks heads in its own.
        let mut scopes = vec![Scope::Desk, people[0], people[1]];
        if n % 2 == 0 {
            scopes.reverse();
        }
        writers.push(tokio::spawn(writer(ctx.clone(), n, scopes, clock.clone(), false)));
    }
    let mut committed = BTreeSet::new();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    assert!(
        committed.len() > (WRITERS * ROUNDS / 2) as usize && committed.len() < (WRITERS * ROUNDS) as usize
    );
    for seen in [reads.await.unwrap(), reads_own.await.unwrap()] {
        assert_eq!(committed.difference(&seen).count(), 0, "committed and never read");
        assert_eq!(seen.difference(&committed).count(), 0, "read and never committed");
    }
}

/// How a cursor other than ours goes on.
#[derive(Clone, Copy)]
enum Naive {
    Serial,
    UpdatedAt,
}

/// What a reader with such a cursor has at the end, under the same writers.
async fn lost_by(server: &TestServer, naive: Naive) -> usize {
    let ctx = &server.ctx;
    let done = Arc::new(AtomicBool::new(false));
    let column = match naive {
        Naive::Serial => "id",
        Naive::UpdatedAt => "updated_at",
    };
    let (own, ended) = (ctx.clone(), done.clone());
    let reads = tokio::spawn(async move {
        let sql = format!("SELECT entity, {column} FROM serial_row WHERE {column} > $1 ORDER BY {column}");
        let (mut seen, mut at) = (BTreeSet::new(), -1);
        loop {
            let last_look = ended.load(Ordering::SeqCst);
            let mut tx = own.store.begin(Mode::Read).await.unwrap();
            for row in tx.query(&sql, &values![at]).await.unwrap() {
                seen.insert(row[0].id::<EntityId>().unwrap());
                at = row[1].int().unwrap();
            }
            drop(tx);
            if last_look {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let clock = Arc::new(AtomicI64::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(writer(ctx.clone(), n, vec![Scope::Desk], clock.clone(), true)))
        .collect();
    let mut committed = BTreeSet::new();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    let seen = reads.await.unwrap();
    committed.difference(&seen).count()
}

async fn naive(cursor: Naive) {
    let Some(server) = TestServer::postgres(Setting::default()).await else { return };
    let mut tx = server.ctx.store.begin(Mode::Write).await.unwrap();
    tx.batch(SERIAL).await.unwrap();
    tx.commit().await.unwrap();
    let lost = lost_by(&server, cursor).await;
    // If this ever fails, the hostility of the writers has to grow until it does not: a net that catches nothing
    // proves nothing about the journal.
    assert!(lost > 0, "the same writers must lose rows to a cursor that does not follow commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serial_cursor_does_lose_rows() {
    naive(Naive::Serial).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_updated_at_cursor_does_lose_rows() {
    naive(Naive::UpdatedAt).await;
}

async fn two_people_of_one_ticket_never_wait_for_each_other_for_ever(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let mut taras = Phone::of(&server.ctx, "Taras").await;
    let (first, _) = olena.file("The lift").await;
    let (second, _) = olena.file("The door").await;
    for ticket in [first, second] {
        staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    }
    let mut tasks = Vec::new();
    for n in 0..8 {
        let phone =
            Phone::another(&server.ctx, if n % 2 == 0 { &olena } else { &taras }.session.person).await;
        tasks.push(tokio::spawn(async move {
            let (a, b) = if n % 2 == 0 { (first, second) } else { (second, first) };
            for m in 0..5 {
                let words = format!("{n}.{m}");
                let ops =
                    [phone.comment(a, &words, None), phone.comment(b, &words, None), phone.create(&words)];
                all_applied(&phone.send(&ops).await);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    taras.build().await;
    assert_eq!(taras.words(first).len(), 40);
    assert_eq!(taras.words(second).len(), 40);
    let mut numbers: Vec<i64> =
        staff::list(&server.ctx, &staff::ListQuery { limit: Some(200), ..Default::default() })
            .await
            .unwrap()
            .into_iter()
            .map(|ticket| {
                serde_json::to_value(&ticket.row.desk).unwrap()["number"].as_str().unwrap().parse().unwrap()
            })
            .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=42).collect::<Vec<_>>(), "no number twice and none left out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_gives_up_in_a_transaction_leaves_nothing_behind() {
    for server in
        [Some(TestServer::sqlite(Setting::default()).await), TestServer::postgres(Setting::default()).await]
    {
        let Some(server) = server else { continue };
        for polls in 0..40 {
            let ctx = server.ctx.clone();
            let name = format!("given up {polls}");
            let work = async {
                let mut tx = ctx.store.begin(Mode::Write).await?;
                tx.execute("INSERT INTO meta (name, value) VALUES ($1, 'x')", &values![name.as_str()])
                    .await?;
                tx.execute("UPDATE meta SET value = 'y' WHERE name = $1", &values![name.as_str()]).await?;
                std::future::pending::<()>().await;
                Ok::<_, StoreError>(())
            };
            // Dropped at any poll, a statement on its way or not.
            let _ = tokio::time::timeout(Duration::from_micros(polls * 150), work).await;
            let rows = tokio::time::timeout(Duration::from_secs(20), async {
                let mut tx = server.ctx.store.begin(Mode::Write).await.unwrap();
                tx.query("SELECT name FROM meta WHERE name = $1", &values![name.as_str()]).await.unwrap()
            })
            .await
            .expect("the next writer is let in");
            assert!(rows.is_empty(), "a transaction without commit left a row");
        }
    }
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "no journal was told")]
async fn a_change_nobody_would_hear_of_is_caught_before_it_is_committed() {
    let server = TestServer::sqlite(Setting::default()).await;
    let olena = Phone::of(&server.ctx, "Olena").await;
    olena.file("The lift").await;
    let _: Result<(), StoreError> = with_write(&server.ctx, |tx, _| {
        Box::pin(async move { tx.execute("UPDATE ticket SET subject = 'Changed'", &[]).await.map(drop) })
    })
    .await;
}
