//! A server restored from its backup: what it forgot comes back from the phones, what was erased does not.

use std::{path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use pocketdesk_protocol::{
    op::{Answers, kind},
    rows::Status,
    sync::{ResetReason, Verdict, code},
};
use pocketdesk_server::{
    backup::{
        self, BlobCopy,
        outside::{Folder, Outside},
    },
    context::{Context, Parts, Policy, ServiceError},
    desk::builtin::Builtin,
    people, staff,
    store::{self, Store, StoreConfig},
    sync::{self, receipt::ReceiptKey},
    testing::{self, Setting, TestServer},
    values,
};

use super::support::{Phone, all_applied, applied, file, on_both_stores, receipt, rejected};

on_both_stores! { Setting::default();
    words_acknowledged_after_the_backup_come_back_from_the_phone,
    what_was_erased_after_the_backup_stays_erased,
    bytes_erased_after_the_backup_are_marked_to_go_again,
    numbers_and_revisions_go_past_any_given,
    a_status_request_that_no_longer_fits_is_applied_without_effect,
    a_backup_that_was_cut_is_refused_and_the_half_database_too,
    a_restore_overwrites_nothing,
    a_backup_is_read_by_nobody_else_on_the_machine,
}

/// Blobs are not what these tests are about.
struct NoBlobs;

impl BlobCopy for NoBlobs {
    fn copy_to<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, std::io::Result<u64>> {
        Box::pin(async { Ok(0) })
    }
    fn copy_from<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, std::io::Result<u64>> {
        Box::pin(async { Ok(0) })
    }
}

fn outside(server: &TestServer) -> Folder {
    Folder::new(server.folder.path().join("outside"))
}

async fn back_up(server: &TestServer) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ctx = &server.ctx;
    backup::backup(ctx.store.as_ref(), &ctx.env, &NoBlobs, folder.path()).await.unwrap();
    folder
}

/// An empty database of the same kind.
async fn empty(server: &TestServer) -> Arc<dyn Store> {
    let config = match server.ctx.store.kind() {
        "sqlite" => StoreConfig::Sqlite(server.folder.path().join(format!("{}.db", server.ctx.env.new_id()))),
        _ => testing::postgres::database().await.unwrap(),
    };
    store::open(&config, &server.ctx.env).await.unwrap()
}

async fn restore(server: &TestServer, folder: &Path) -> Context {
    let store = empty(server).await;
    let ctx = &server.ctx;
    backup::restore(store.as_ref(), &ctx.env, &NoBlobs, &outside(server), folder).await.unwrap();
    open(server, store).await.unwrap()
}

async fn open(server: &TestServer, store: Arc<dyn Store>) -> Result<Context, ServiceError> {
    Context::open(Parts {
        store,
        env: server.ctx.env.clone(),
        policy: Policy::default(),
        key: ReceiptKey::new([7; 32]),
        desk: Arc::new(Builtin),
        outside: Arc::new(outside(server)),
    })
    .await
}

/// The same phone, asking the restored server, with the epoch it tells.
async fn meets(phone: &mut Phone, ctx: &Context) {
    phone.ctx = ctx.clone();
    let before = phone.epoch;
    let cursor = phone.cursor.clone().expect("it was built");
    let answer = sync::pull(ctx, phone.session, &cursor, None).await.unwrap();
    assert_eq!(answer.reset.unwrap().reason, ResetReason::Epoch);
    assert!(answer.epoch > before, "a later life of the server has the greater epoch");
    phone.epoch = answer.epoch;
}

async fn words_acknowledged_after_the_backup_come_back_from_the_phone(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (old, old_create) = olena.file("Before the backup").await;
    let early = olena.comment(old, "Early", Some(&old_create));
    let told = olena.send(std::slice::from_ref(&early)).await.remove(0);
    let backup = back_up(&server).await;
    let mut create = olena.create("After the backup");
    let mut first = olena.comment(create.entity.into(), "First", Some(&create));
    let mut second = olena.comment(create.entity.into(), "Second", Some(&first));
    let verdicts = olena.send(&[create.clone(), first.clone(), second.clone()]).await;
    all_applied(&verdicts);
    olena.build().await;
    for (op, verdict) in [&mut create, &mut first, &mut second].into_iter().zip(&verdicts) {
        op.receipt = receipt(verdict);
    }
    let ctx = restore(&server, backup.path()).await;
    meets(&mut olena, &ctx).await;
    // Another phone's comment is there before the ticket is.
    assert!(matches!(olena.send(std::slice::from_ref(&second)).await[0], Verdict::Blocked { .. }));
    all_applied(&olena.send(&[create.clone(), first, second]).await);
    // What the backup held is replayed, and names what stands in this epoch.
    let again = olena.send(&[early]).await.remove(0);
    assert_eq!(receipt(&again), receipt(&told));
    let Verdict::Applied { ack, .. } = again else { panic!("applied") };
    assert_eq!(ack, sync::standing(&ctx, olena.session.person).await.unwrap().heads);
    olena.build().await;
    assert_eq!(olena.words(create.entity.into()), ["First", "Second"]);
    assert_eq!(olena.words(old), ["Early"]);
}

async fn what_was_erased_after_the_backup_stays_erased(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let mut erased = olena.comment(ticket, "My card number", Some(&create));
    let mut deleted = olena.comment(ticket, "A slip", Some(&erased));
    let verdicts = olena.send(&[erased.clone(), deleted.clone()]).await;
    erased.receipt = receipt(&verdicts[0]);
    deleted.receipt = receipt(&verdicts[1]);
    let (gone_ticket, mut gone_create) = olena.file("All of this").await;
    gone_create.receipt = receipt(&olena.send(std::slice::from_ref(&gone_create)).await[0]);
    olena.build().await;
    let backup = back_up(&server).await;
    staff::erase_comment(&server.ctx, erased.entity.into()).await.unwrap();
    staff::delete_comment(&server.ctx, deleted.entity.into()).await.unwrap();
    staff::erase_ticket(&server.ctx, gone_ticket).await.unwrap();
    let ctx = restore(&server, backup.path()).await;
    meets(&mut olena, &ctx).await;
    olena.build().await;
    assert!(olena.words(ticket).is_empty());
    assert!(olena.ticket(gone_ticket).is_none());
    // The backup held their verdicts; a backup from before them did not, and there the ops come back.
    let mut tx = ctx.store.begin(store::Mode::Write).await.unwrap();
    tx.batch("DELETE FROM verdict").await.unwrap();
    tx.commit().await.unwrap();
    let late = olena.comment(gone_ticket, "More of it", None);
    let verdicts = olena.send(&[erased, deleted, gone_create, late]).await;
    assert_eq!(rejected(&verdicts[0]), code::ERASED);
    applied(&verdicts[1]);
    assert_eq!(rejected(&verdicts[2]), code::ERASED);
    assert_eq!(rejected(&verdicts[3]), code::TICKET_GONE);
    olena.build().await;
    assert!(olena.words(ticket).is_empty());
    assert!(olena.ticket(gone_ticket).is_none());
}

async fn bytes_erased_after_the_backup_are_marked_to_go_again(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (passport, photo) = (file(&server.ctx, "passport.png", 5), file(&server.ctx, "photo.png", 5));
    let (erased, kept) = (
        olena.create_with("Not for a desk", vec![passport.clone()]),
        olena.create_with("The lift", vec![photo.clone()]),
    );
    all_applied(&olena.send(&[erased.clone(), kept]).await);
    let mut tx = server.ctx.store.begin(store::Mode::Write).await.unwrap();
    for id in [passport.id, photo.id] {
        tx.execute(
            "INSERT INTO upload (id, person_id, size, complete) VALUES ($1, $2, 5, 1)",
            &values![id, olena.session.person],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let backup = back_up(&server).await;
    staff::erase_ticket(&server.ctx, erased.entity.into()).await.unwrap();
    let ctx = restore(&server, backup.path()).await;
    let mut tx = ctx.store.begin(store::Mode::Read).await.unwrap();
    for (id, state) in [(passport.id, 2), (photo.id, 1)] {
        let rows = tx.query("SELECT complete FROM upload WHERE id = $1", &values![id]).await.unwrap();
        assert_eq!(rows[0][0].int().unwrap(), state, "2: its bytes go with the first sweep");
    }
}

async fn numbers_and_revisions_go_past_any_given(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (first, _) = olena.file("One").await;
    let backup = back_up(&server).await;
    for n in 0..150 {
        olena.file(&format!("{n}")).await;
    }
    let scopes = people::PutScopes { company: None, sites: vec![], sees: people::Sees::Own };
    people::put_scopes(&server.ctx, olena.session.person, &scopes).await.unwrap();
    olena.build().await;
    let before = sync::standing(&server.ctx, olena.session.person).await.unwrap();
    let ctx = restore(&server, backup.path()).await;
    meets(&mut olena, &ctx).await;
    let after = sync::standing(&ctx, olena.session.person).await.unwrap();
    assert!(after.scopes_rev > before.scopes_rev && after.epoch > before.epoch);
    let verdicts = olena.send(&[olena.create("Next")]).await;
    let Verdict::Applied { number: Some(number), .. } = &verdicts[0] else { panic!("a number") };
    assert!(number.parse::<i64>().unwrap() > 151, "№{number} may be on a letter already");
    assert!(staff::get(&ctx, first).await.is_ok());
    // Restored twice within one moment: still another epoch, and a greater one.
    let again = restore(&server, backup.path()).await;
    assert!(sync::standing(&again, olena.session.person).await.unwrap().epoch > after.epoch);
}

async fn a_status_request_that_no_longer_fits_is_applied_without_effect(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::set_status(&server.ctx, "Ira", ticket, Status::Solved).await.unwrap();
    olena.build().await;
    let backup = back_up(&server).await;
    let answers = Answers::Event { epoch: olena.epoch, position: olena.ticket(ticket).unwrap().status_event };
    let mut reopen = olena.status(kind::TICKET_REOPEN, ticket, answers, Some("It stopped again"), None);
    reopen.receipt = receipt(&olena.send(std::slice::from_ref(&reopen)).await[0]);
    assert!(reopen.receipt.is_some());
    let ctx = restore(&server, backup.path()).await;
    meets(&mut olena, &ctx).await;
    let fresh = olena.status(kind::TICKET_REOPEN, ticket, answers, Some("Without proof"), None);
    assert_eq!(
        rejected(&olena.send(&[fresh]).await[0]),
        code::MOVED_ON,
        "an event of another epoch is older"
    );
    applied(&olena.send(&[reopen]).await[0]);
    olena.build().await;
    assert_eq!(olena.ticket(ticket).unwrap().status, Status::Solved);
    assert_eq!(olena.words(ticket), ["It stopped again"], "its words come back all the same");
}

async fn a_backup_that_was_cut_is_refused_and_the_half_database_too(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    for n in 0..30 {
        olena.file(&format!("{n}")).await;
    }
    let backup = back_up(&server).await;
    let file = backup.path().join("database.ndjson.zst");
    let whole = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    let cut = &whole[..whole.len() * 2 / 3];
    std::fs::write(&file, zstd::encode_all(cut, 3).unwrap()).unwrap();
    let store = empty(&server).await;
    let result =
        backup::restore(store.as_ref(), &server.ctx.env, &NoBlobs, &outside(&server), backup.path()).await;
    assert!(result.unwrap_err().to_string().contains("cut or damaged"));
    let Err(error) = open(&server, store).await else { panic!("half a database was opened") };
    assert!(error.to_string().contains("did not end"), "{error}");
    std::fs::write(&file, b"not zstd at all").unwrap();
    let store = empty(&server).await;
    assert!(
        backup::restore(store.as_ref(), &server.ctx.env, &NoBlobs, &outside(&server), backup.path())
            .await
            .is_err()
    );
    assert!(open(&server, store).await.is_ok(), "nothing was begun");
}

async fn a_restore_overwrites_nothing(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let backup = back_up(&server).await;
    let ctx = &server.ctx;
    let result =
        backup::restore(ctx.store.as_ref(), &ctx.env, &NoBlobs, &outside(&server), backup.path()).await;
    assert!(result.unwrap_err().to_string().contains("not empty"));
    assert!(staff::get(ctx, ticket).await.is_ok());
    let again = backup::backup(ctx.store.as_ref(), &ctx.env, &NoBlobs, backup.path()).await;
    assert!(again.unwrap_err().to_string().contains("holds a backup already"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_moves_from_sqlite_to_postgres_with_all_its_words() {
    let server = TestServer::sqlite(Setting::default()).await;
    let Some(target) = testing::postgres::database().await else { return };
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    applied(&olena.send(&[olena.comment(ticket, "Він знову зупинився", Some(&create))]).await[0]);
    olena.build().await;
    let shown = olena.shown();
    let backup = back_up(&server).await;
    let store = store::open(&target, &server.ctx.env).await.unwrap();
    backup::restore(store.as_ref(), &server.ctx.env, &NoBlobs, &outside(&server), backup.path())
        .await
        .unwrap();
    let ctx = open(&server, store).await.unwrap();
    meets(&mut olena, &ctx).await;
    olena.build().await;
    assert_eq!(olena.shown(), shown);
}

#[test]
fn a_line_torn_by_a_power_cut_does_not_swallow_the_next_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let log = Folder::new(folder.path());
    log.append("gone", "whole").unwrap();
    let path = folder.path().join("gone.log");
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend(b"\n[{\"kind\":\"tick");
    std::fs::write(&path, torn).unwrap();
    log.append("gone", "the next").unwrap();
    assert_eq!(log.lines("gone").unwrap(), ["whole", "[{\"kind\":\"tick", "the next"]);
}

async fn a_backup_is_read_by_nobody_else_on_the_machine(server: TestServer) {
    let folder = back_up(&server).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("database.ndjson.zst"), mode("blobs")), (0o600, 0o700));
    }
}
