//! A desk that answers later (scripted: a fake): pending, registered, refused, amended, withdrawn.

use pocketdesk_protocol::{
    ids::TicketId,
    op::{AmendBody, EntityWithdrawBody, kind},
    rows::{CommentRow, DeskState},
    sync::{Gone, Verdict, code},
};
use pocketdesk_server::{
    desk::{Handed, answer},
    staff,
    testing::{Setting, TestServer},
};

use super::support::{Phone, all_applied, applied, on_both_stores, receipt, rejected};

on_both_stores! { Setting { fake_desk: true, ..Default::default() };
    what_the_desk_registers_later_gets_its_number,
    what_the_desk_refuses_keeps_its_words_and_is_amended,
    what_the_desk_refuses_is_withdrawn_by_its_author_alone,
    a_refused_ticket_is_amended_and_tried_again,
    what_was_not_refused_is_not_rewritten,
    a_kept_withdrawal_takes_effect_after_a_restore,
    what_was_taken_back_asks_for_nothing_after_a_restore,
}

fn refused(can_edit: bool) -> DeskState {
    DeskState::Refused {
        code: "no_such_queue".into(),
        text_key: "desk-refused-no-such-queue".into(),
        words: Some("Please name the building".into()),
        can_edit,
    }
}

fn amend(ticket: TicketId, text: &str) -> AmendBody {
    AmendBody { ticket, subject: None, text: Some(text.to_owned()) }
}

async fn what_the_desk_registers_later_gets_its_number(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    olena.build().await;
    let create = olena.create("The lift");
    let ticket = TicketId::from(create.entity);
    let verdicts = olena.send(std::slice::from_ref(&create)).await;
    let Verdict::Applied { number: None, .. } = &verdicts[0] else {
        panic!("no number yet: {:?}", verdicts[0])
    };
    olena.pull(None).await;
    assert_eq!(olena.ticket(ticket).unwrap().desk, DeskState::Pending);
    let state = DeskState::Registered { number: Some("RT-17".into()) };
    answer(&server.ctx, Handed::Ticket, create.entity, state.clone()).await.unwrap();
    olena.pull(None).await;
    assert_eq!(olena.ticket(ticket).unwrap().desk, state);
    assert_eq!(staff::find_number(&server.ctx, "RT-17").await.unwrap(), ticket);
    assert_eq!(server.fake.as_ref().unwrap().handed(), [(Handed::Ticket, create.entity)]);
}

async fn what_the_desk_refuses_keeps_its_words_and_is_amended(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "It stopped", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    answer(&server.ctx, Handed::Comment, comment.entity, refused(true)).await.unwrap();
    olena.build().await;
    let row: CommentRow = olena.row("comment", comment.entity).unwrap();
    assert_eq!((row.text.as_str(), row.desk), ("It stopped", refused(true)));
    let v = olena.rows[&("comment".into(), comment.entity)].v;
    let op = olena.op(kind::ENTITY_AMEND, comment.entity, &amend(ticket, "In building two"), Some(&comment));
    assert!(applied(&olena.send(std::slice::from_ref(&op)).await[0]) > v);
    olena.build().await;
    let row: CommentRow = olena.row("comment", comment.entity).unwrap();
    assert_eq!(
        (row.text.as_str(), row.desk),
        ("In building two", DeskState::Pending),
        "the desk is tried again"
    );
    assert_eq!(server.fake.as_ref().unwrap().handed().len(), 3);
}

async fn what_the_desk_refuses_is_withdrawn_by_its_author_alone(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let taras = Phone::of(&server.ctx, "Taras").await;
    let (ticket, create) = olena.file("The lift").await;
    staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    let comment = olena.comment(ticket, "It stopped", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    answer(&server.ctx, Handed::Comment, comment.entity, refused(false)).await.unwrap();
    olena.build().await;
    let body = EntityWithdrawBody { ticket };
    let foreign = taras.op(kind::ENTITY_WITHDRAW, comment.entity, &body, None);
    assert_eq!(rejected(&taras.send(&[foreign]).await[0]), code::NO_RIGHT);
    let amended = olena.op(kind::ENTITY_AMEND, comment.entity, &amend(ticket, "Again"), None);
    assert_eq!(rejected(&olena.send(&[amended]).await[0]), code::NOT_REFUSED, "new words do not help here");
    let own = olena.op(kind::ENTITY_WITHDRAW, comment.entity, &body, None);
    applied(&olena.send(&[own]).await[0]);
    olena.pull(None).await;
    assert_eq!(olena.gone[&("comment".into(), comment.entity)], Gone::Deleted);
    assert!(olena.ticket(ticket).is_some());
}

async fn a_refused_ticket_is_amended_and_tried_again(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    answer(&server.ctx, Handed::Ticket, create.entity, refused(true)).await.unwrap();
    let body = AmendBody { ticket, subject: Some("The lift, building two".into()), text: None };
    let op = olena.op(kind::ENTITY_AMEND, create.entity, &body, Some(&create));
    // Words that go on after it were not waiting for the desk.
    let comment = olena.comment(ticket, "Hurry", Some(&op));
    all_applied(&olena.send(&[op, comment]).await);
    olena.build().await;
    let row = olena.ticket(ticket).unwrap();
    assert_eq!((row.subject.as_str(), row.desk), ("The lift, building two", DeskState::Pending));
    assert_eq!(row.description, "The lift, in more words");
    answer(&server.ctx, Handed::Ticket, create.entity, refused(true)).await.unwrap();
    let op = olena.op(kind::ENTITY_WITHDRAW, create.entity, &EntityWithdrawBody { ticket }, None);
    applied(&olena.send(&[op]).await[0]);
    olena.pull(None).await;
    assert!(olena.rows.is_empty());
}

async fn what_was_not_refused_is_not_rewritten(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "Said is said", Some(&create));
    let rewrite = olena.op(kind::ENTITY_AMEND, comment.entity, &amend(ticket, "Unsaid"), Some(&comment));
    let unsay =
        olena.op(kind::ENTITY_WITHDRAW, comment.entity, &EntityWithdrawBody { ticket }, Some(&comment));
    let verdicts = olena.send(&[comment, rewrite, unsay]).await;
    assert_eq!(rejected(&verdicts[1]), code::NOT_REFUSED);
    assert_eq!(rejected(&verdicts[2]), code::NOT_REFUSED);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["Said is said"]);
}

async fn a_kept_withdrawal_takes_effect_after_a_restore(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "It stopped", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    answer(&server.ctx, Handed::Comment, comment.entity, refused(true)).await.unwrap();
    let mut amended = olena.op(kind::ENTITY_AMEND, comment.entity, &amend(ticket, "In building two"), None);
    amended.receipt = receipt(&olena.send(std::slice::from_ref(&amended)).await[0]);
    // As after a restore to a time before the amendment, when the desk had not answered yet.
    let mut tx = server.ctx.store.begin(pocketdesk_server::store::Mode::Write).await.unwrap();
    let sql =
        "DELETE FROM verdict WHERE kind = 'entity.amend'; UPDATE comment SET body = 'It stopped', v = 1";
    tx.batch(sql).await.unwrap();
    tx.commit().await.unwrap();
    applied(&olena.send(&[amended]).await[0]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["In building two"]);
}

async fn what_was_taken_back_asks_for_nothing_after_a_restore(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, create) = olena.file("The lift").await;
    let comment = olena.comment(ticket, "It stopped", Some(&create));
    applied(&olena.send(std::slice::from_ref(&comment)).await[0]);
    answer(&server.ctx, Handed::Comment, comment.entity, refused(true)).await.unwrap();
    let mut amended = olena.op(kind::ENTITY_AMEND, comment.entity, &amend(ticket, "In building two"), None);
    amended.receipt = receipt(&olena.send(std::slice::from_ref(&amended)).await[0]);
    answer(&server.ctx, Handed::Comment, comment.entity, refused(true)).await.unwrap();
    let mut withdrawn =
        olena.op(kind::ENTITY_WITHDRAW, comment.entity, &EntityWithdrawBody { ticket }, Some(&amended));
    withdrawn.receipt = receipt(&olena.send(std::slice::from_ref(&withdrawn)).await[0]);
    // As after a restore that lost both verdicts and kept that the comment is gone.
    let mut tx = server.ctx.store.begin(pocketdesk_server::store::Mode::Write).await.unwrap();
    tx.batch("DELETE FROM verdict WHERE kind IN ('entity.amend', 'entity.withdraw')").await.unwrap();
    tx.commit().await.unwrap();
    all_applied(&olena.send(&[amended, withdrawn]).await);
}
