//! Rows of files: named, whole, missing.

use pocketdesk_protocol::rows::{AttachmentRow, FileState, PersonRef, Side};
use pocketdesk_server::{
    context::{DAY_MS, ServiceError},
    desk::ticket,
    files, staff,
    store::{
        Mode,
        write::{Write, with_write},
    },
    testing::{Setting, TestServer},
    values,
};

use super::support::{Phone, applied, file, on_both_stores, rejected};

on_both_stores! { Setting::default();
    a_file_is_pending_until_its_bytes_are_whole,
    a_file_that_came_before_its_words_is_whole_at_once,
    a_file_that_never_came_is_missing_and_still_completes,
    somebody_elses_upload_completes_nothing,
    bytes_of_a_rejected_comment_wait_for_its_edit,
    a_file_is_downloaded_by_those_who_see_its_ticket,
    a_photo_whose_last_part_comes_with_its_words_is_shown_to_others,
    bytes_that_were_whole_are_never_told_to_be_missing,
}

async fn complete(server: &TestServer, phone: &Phone, row: &pocketdesk_protocol::op::FileRef) -> bool {
    let person = phone.session.person;
    with_write::<_, ServiceError, _>(&server.ctx, move |tx, _| {
        Box::pin(async move {
            Ok(files::complete(tx, person, row.id, row.size, &row.sha256, Some("image/jpeg")).await?)
        })
    })
    .await
    .unwrap()
}

async fn a_file_is_pending_until_its_bytes_are_whole(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.build().await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    let create = olena.create_with("The lift", vec![photo.clone()]);
    applied(&olena.send(&[create]).await[0]);
    olena.pull(None).await;
    let row: AttachmentRow = olena.row("attachment", photo.id.into()).unwrap();
    assert_eq!((row.state, row.name.as_str()), (FileState::Pending, "photo.jpg"));
    assert!(complete(&server, &olena, &photo).await);
    assert!(complete(&server, &olena, &photo).await, "told twice, the same");
    olena.pull(None).await;
    let row: AttachmentRow = olena.row("attachment", photo.id.into()).unwrap();
    assert_eq!((row.state, row.mime.as_deref()), (FileState::Complete, Some("image/jpeg")));
}

async fn a_file_that_came_before_its_words_is_whole_at_once(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    assert!(!complete(&server, &olena, &photo).await, "no op names it yet");
    let (row, person) = (&photo, olena.session.person);
    with_write::<_, ServiceError, _>(&server.ctx, move |tx, _| {
        Box::pin(async move {
            let sql = "INSERT INTO upload (id, person_id, size, sha256, mime, complete) VALUES ($1, $2, $3, $4, $5, 1)";
            tx.execute(sql, &values![row.id, person, 1000i64, row.sha256.as_str(), "image/jpeg"]).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
    applied(&olena.send(&[olena.attach(ticket, photo.clone())]).await[0]);
    olena.build().await;
    let row: AttachmentRow = olena.row("attachment", photo.id.into()).unwrap();
    assert_eq!((row.state, row.mime.as_deref()), (FileState::Complete, Some("image/jpeg")));
}

async fn a_file_that_never_came_is_missing_and_still_completes(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    applied(&olena.send(&[olena.attach(ticket, photo.clone())]).await[0]);
    server.clock.advance(13 * DAY_MS);
    assert_eq!(files::sweep_missing(&server.ctx).await.unwrap(), 0);
    olena.build().await;
    server.clock.advance(2 * DAY_MS);
    assert_eq!(files::sweep_missing(&server.ctx).await.unwrap(), 1);
    olena.pull(None).await;
    assert_eq!(olena.row::<AttachmentRow>("attachment", photo.id.into()).unwrap().state, FileState::Missing);
    assert!(complete(&server, &olena, &photo).await);
    olena.pull(None).await;
    assert_eq!(olena.row::<AttachmentRow>("attachment", photo.id.into()).unwrap().state, FileState::Complete);
}

async fn somebody_elses_upload_completes_nothing(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let max = Phone::of(&server.ctx, "Max").await;
    let (ticket, _) = olena.file("The lift").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    applied(&olena.send(&[olena.attach(ticket, photo.clone())]).await[0]);
    assert!(!complete(&server, &max, &photo).await);
    let other = pocketdesk_protocol::op::FileRef { sha256: "cd".repeat(32), ..photo.clone() };
    assert!(!complete(&server, &olena, &other).await, "other bytes than the op named");
    olena.build().await;
    assert_eq!(olena.row::<AttachmentRow>("attachment", photo.id.into()).unwrap().state, FileState::Pending);
}

async fn bytes_of_a_rejected_comment_wait_for_its_edit(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    let mut create = olena.create_with(&"x".repeat(400), vec![photo.clone()]);
    rejected(&olena.send(std::slice::from_ref(&create)).await[0]);
    let unnamed = async |since: i64| {
        let mut tx = server.ctx.store.begin(Mode::Read).await.unwrap();
        files::unnamed(tx.as_mut(), &[photo.id], since).await.unwrap()
    };
    let now = server.ctx.env.clock.now();
    assert!(unnamed(now - 30 * DAY_MS).await.is_empty());
    assert_eq!(unnamed(now + 1).await, [photo.id], "after that time nobody needs them");
    // The edit: a new op for the same entity.
    let edit = olena.create_with("The lift", vec![photo.clone()]);
    create = pocketdesk_protocol::op::WireOp {
        entity: create.entity,
        sha256: pocketdesk_protocol::op::digest(&edit.kind, 1, create.entity, &edit.body),
        ..edit
    };
    applied(&olena.send(&[create]).await[0]);
    assert!(unnamed(now + 1).await.is_empty());
}

async fn a_file_is_downloaded_by_those_who_see_its_ticket(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let max = Phone::of(&server.ctx, "Max").await;
    let (ticket, _) = olena.file("The lift").await;
    let bill =
        staff::StaffFile { file: file(&server.ctx, "bill.pdf", 10), mime: Some("application/pdf".into()) };
    staff::reply(&server.ctx, "Ira", ticket, "", std::slice::from_ref(&bill)).await.unwrap();
    let mut tx = server.ctx.store.begin(Mode::Read).await.unwrap();
    let seen = files::visible(tx.as_mut(), olena.session.person, bill.file.id).await.unwrap().unwrap();
    assert_eq!((seen.name.as_str(), seen.state, seen.author), ("bill.pdf", FileState::Complete, None));
    assert_eq!(files::visible(tx.as_mut(), max.session.person, bill.file.id).await.unwrap(), None);
    drop(tx);
    let gone = staff::delete_ticket(&server.ctx, ticket).await.unwrap();
    assert_eq!(gone, [bill.file.id], "whose bytes may go");
}

async fn a_photo_whose_last_part_comes_with_its_words_is_shown_to_others(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    upload(&server, &olena, &photo, 0).await;
    let person = olena.session.person;
    // The op has looked for the bytes and not yet committed the row that names them…
    let mut op = Write::begin(&server.ctx).await.unwrap();
    let mut held = ticket::lock(&mut op, ticket).await.unwrap().unwrap();
    assert_eq!(files::uploaded(&mut op, person, &photo).await.unwrap(), None);
    // …when the last part makes them whole.
    let (ctx, row) = (server.ctx.clone(), photo.clone());
    let part = tokio::spawn(async move {
        let row = &row;
        with_write::<_, ServiceError, _>(&ctx, move |tx, _| {
            Box::pin(async move {
                tx.execute("UPDATE upload SET complete = 1 WHERE id = $1", &values![row.id]).await?;
                Ok(files::complete(tx, person, row.id, row.size, &row.sha256, Some("image/jpeg")).await?)
            })
        })
        .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let by = PersonRef { id: Some(person), name: "Olena".into(), side: Side::Requester };
    held.attachment(&mut op, None, &by, &photo, FileState::Pending, None).await.unwrap();
    held.save(&mut op).await.unwrap();
    op.commit().await.unwrap();
    assert!(part.await.unwrap().unwrap(), "the last part finds the row");
    olena.build().await;
    assert_eq!(olena.row::<AttachmentRow>("attachment", photo.id.into()).unwrap().state, FileState::Complete);
}

async fn bytes_that_were_whole_are_never_told_to_be_missing(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let photo = file(&server.ctx, "photo.jpg", 1000);
    applied(&olena.send(&[olena.attach(ticket, photo.clone())]).await[0]);
    upload(&server, &olena, &photo, 1).await;
    server.clock.advance(15 * DAY_MS);
    assert_eq!(files::sweep_missing(&server.ctx).await.unwrap(), 1);
    olena.build().await;
    assert_eq!(olena.row::<AttachmentRow>("attachment", photo.id.into()).unwrap().state, FileState::Complete);
}

async fn upload(server: &TestServer, phone: &Phone, row: &pocketdesk_protocol::op::FileRef, complete: i64) {
    let person = phone.session.person;
    with_write::<_, ServiceError, _>(&server.ctx, move |tx, _| {
        Box::pin(async move {
            let sql = "INSERT INTO upload (id, person_id, size, sha256, mime, complete) VALUES ($1, $2, $3, $4, $5, $6)";
            let size = i64::try_from(row.size).unwrap();
            tx.execute(sql, &values![row.id, person, size, row.sha256.as_str(), "image/jpeg", complete]).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
}
