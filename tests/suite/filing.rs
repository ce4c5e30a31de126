//! Filing before any sign-in, and files that take longer than words.

use http::Method;
use pocketdesk_ffi::{DeskError, SignInError, Unbound, model::*};
use pocketdesk_tests::{
    desk::Desk,
    net::{DESK_ADDRESS, Fate},
    noise,
    phone::{Phone, Switch, comment, registered, said, saved, with_the_desk},
};

#[tokio::test]
async fn what_was_filed_before_the_first_sign_in_goes_to_the_person_who_signs_in() {
    let desk = Desk::open("Before the first sign-in").await;
    let olena = Phone::new("Olena", &desk).await;
    let key = olena.file("No light", "In the cellar.").await;
    olena.reply(&key, "And the fuse is fine").await;
    let view = olena.sees(&key).await;
    assert!(
        matches!(view.summary.delivery, Some(Delivery::Saved { waits_for: WaitsFor::SignIn, .. })),
        "it should say what it waits for: {view:#?}"
    );
    let olena = olena.restarted(Switch::default()).await;
    let account = olena.sign_in(&desk, "olena@shop.example").await;
    let bound = olena.found(&key.id).await;
    assert_eq!(bound.account, account.account);
    olena
        .shows(&bound, "all of it with the desk", |view| {
            registered(view.summary.delivery.as_ref()) && said(view, "And the fuse is fine")
        })
        .await;
    assert_eq!(olena.accounts("one account", |accounts| accounts.len() == 1).await[0].unsent, 0);
}

#[tokio::test]
async fn words_of_nobody_go_to_nobody_unless_the_person_says_so() {
    let desk = Desk::open("Unbound words").await;
    let phone = Phone::new("the shared phone", &desk).await;
    let key = phone.file("Who filed this?", "Somebody before the sign-in.").await;

    desk.teller.section("Max signs in and leaves it");
    let max = phone.sign_in_with(&desk, "max@shop.example", Unbound::Leave).await.expect("the code is right");
    let page = phone.app.tickets(of(&max), 0, 10).await.expect("the inbox opens");
    assert_eq!(page.total, 0, "{page:#?}");
    assert!(desk.staff().tickets().await.expect("staff").to_string().find("Who filed").is_none());

    desk.teller.section("Olena signs in: she is asked, with the code still good");
    phone.app.start_sign_in(DESK_ADDRESS.into(), "olena@shop.example".into()).await.expect("it starts");
    let code = desk.code_for("olena@shop.example").await;
    let finish = |unbound| {
        phone.app.finish_sign_in(DESK_ADDRESS.into(), "olena@shop.example".into(), code.clone(), unbound)
    };
    assert_eq!(finish(Unbound::Ask).await.err(), Some(SignInError::ChooseUnbound));
    let olena = finish(Unbound::Bind).await.expect("the code is still good");
    let key = TicketKey { account: olena.account.clone(), id: key.id };
    let view = phone.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    assert_eq!(view.description, "Somebody before the sign-in.");
    let page = phone.app.tickets(of(&max), 0, 10).await.expect("the inbox opens");
    assert_eq!(page.total, 0, "Max sees Olena's words: {page:#?}");
    assert_eq!(phone.accounts("Max and Olena", |accounts| accounts.len() == 2).await.len(), 2);
}

fn of(account: &AccountView) -> TicketFilter {
    TicketFilter { account: Some(account.account.clone()), ..TicketFilter::default() }
}

#[tokio::test]
async fn words_do_not_wait_for_their_files() {
    let desk = Desk::open("Text first").await;
    let staff = desk.staff();
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Strange noise", "Listen.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;

    desk.teller.section("the network lets words through, and no bytes of files");
    olena.net.always("/uploads", Fate::Lost);
    let bytes = noise(7, 700_000);
    let file = olena.attach("noise.wav", &bytes).await;
    let reply =
        NewReply { text: "Here it is".into(), attachments: vec![file.id.clone()], ..NewReply::default() };
    olena.app.reply(key.clone(), reply).await.expect("it is kept");
    let view = olena.shows(&key, "the words with the desk", |view| said(view, "Here it is")).await;
    let shown = &comment(&view, "Here it is").expect("it was there").attachments[0];
    assert!(!with_the_desk(shown.delivery.as_ref()), "the file is not there yet: {shown:#?}");
    assert!(shown.on_phone, "its author opens it with no connection: {shown:#?}");
    assert_eq!(olena.bytes_of(&key.account, &file.id).await, bytes);
    let seen = staff.ticket(&key.id).await.expect("staff").to_string();
    assert!(seen.contains("Here it is") && seen.contains("\"pending\""), "others see it pending: {seen}");
    assert_eq!(
        olena.app.unsent(key.account.clone()).await.expect("it counts"),
        Unsent { files: 1, ..Unsent::default() }
    );

    desk.teller.section("the network is whole again");
    olena.net.mend();
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    olena
        .shows(&key, "the file with the desk", |view| {
            comment(view, "Here it is").is_some_and(|c| with_the_desk(c.attachments[0].delivery.as_ref()))
        })
        .await;
    assert_eq!(staff.file(&file.id).await.expect("staff open it"), bytes);
}

#[tokio::test]
async fn a_file_goes_on_where_it_stopped_when_the_app_was_killed() {
    let desk = Desk::open("An upload that was cut").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Damp wall", "A film of it follows.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;

    desk.teller.section("of eight parts three arrive, then the app is killed");
    let parts_of = |phone: &Phone| {
        let asked = phone.net.asked();
        asked.iter().filter(|asked| asked.method == Method::PUT && asked.path.contains("/parts/")).count()
    };
    let bytes = noise(7, 8 * 256 * 1024 - 100);
    let file = olena.attach("wall.mp4", &bytes).await;
    olena.net.after(3, Method::PUT, "/uploads/", Fate::Lost);
    olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    let mut seen = 0;
    while parts_of(&olena) < 4 {
        seen = olena.net.more_than(seen).await;
    }
    let olena = olena.killed(Switch::default()).await;

    desk.teller.section("started again: only what is missing travels");
    let key = olena.found(&key.id).await;
    let view = olena
        .shows(&key, "the file with the desk", |view| {
            view.attachments.iter().any(|shown| shown.id == file.id && with_the_desk(shown.delivery.as_ref()))
        })
        .await;
    assert_eq!(view.attachments.iter().filter(|shown| shown.id == file.id).count(), 1);
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), bytes);
    assert!(parts_of(&olena) <= 5, "it began anew: {} parts travelled again", parts_of(&olena));
}

#[tokio::test]
async fn a_stopped_upload_rests_until_it_is_let_go_on() {
    let desk = Desk::open("A stopped upload").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let key = olena.file("Big file", "It can wait.").await;
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    olena.net.always("/uploads", Fate::Lost);
    let bytes = noise(7, 300_000);
    let file = olena.attach("plan.pdf", &bytes).await;
    olena.app.add_attachment(key.clone(), file.id.clone()).await.expect("it is kept");
    olena.app.stop_upload(None, file.id.clone()).await.expect("it stops");
    olena.net.mend();
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    olena.reply(&key, "the plan follows tonight").await;
    olena.shows(&key, "the words with the desk", |view| said(view, "the plan follows tonight")).await;
    let transfers = olena.app.transfers(None).await.expect("transfers");
    assert!(
        transfers.iter().any(|transfer| transfer.attachment == file.id && transfer.stopped),
        "{transfers:#?}"
    );
    assert!(desk.staff().file(&file.id).await.is_err(), "it went although it was stopped");

    olena.app.resume_upload(None, file.id.clone()).await.expect("it goes on");
    olena
        .shows(&key, "the file with the desk", |view| {
            view.attachments.iter().any(|shown| shown.id == file.id && with_the_desk(shown.delivery.as_ref()))
        })
        .await;
    assert_eq!(desk.staff().file(&file.id).await.expect("staff open it"), bytes);
}

#[tokio::test]
async fn a_draft_survives_a_kill_and_becomes_what_it_was_meant_to_be() {
    let desk = Desk::open("Drafts").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let file = olena.attach("list.txt", b"bolts, nuts").await;
    let draft = NewDraft {
        subject: "Order".into(),
        text: "We need bol".into(),
        attachments: vec![file.id.clone()],
        ..NewDraft::default()
    };
    let draft = olena.app.save_draft(None, draft).await.expect("it is kept");
    let olena = olena.killed(Switch::default()).await;
    let kept = olena.app.drafts(None).await.expect("drafts");
    assert_eq!(kept.len(), 1, "{kept:#?}");
    assert_eq!((kept[0].subject.as_str(), kept[0].text.as_str()), ("Order", "We need bol"));

    let finished = NewDraft {
        id: Some(draft.id.clone()),
        subject: "Order".into(),
        text: "We need bolts".into(),
        attachments: vec![file.id.clone()],
        ..NewDraft::default()
    };
    olena.app.save_draft(None, finished).await.expect("it is kept");
    let sent = olena.app.send_draft(None, draft.id.clone()).await.expect("it is sent");
    assert_eq!(sent.entity, draft.id, "a ticket's draft becomes the ticket of its id");
    let key = TicketKey { account: sent.account, id: sent.entity };
    let view = olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    assert_eq!((view.description.as_str(), view.attachments.len()), ("We need bolts", 1));
    assert!(olena.app.drafts(None).await.expect("drafts").is_empty());
    let again = olena.app.send_draft(None, draft.id).await;
    assert!(matches!(again, Err(DeskError::NotFound { .. })), "it was sent twice: {again:?}");
}

#[tokio::test]
async fn flight_mode_touches_no_network() {
    let desk = Desk::open("Flight mode").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    olena.rests().await;
    olena.app.set_offline(true);
    let asked = olena.net.count();
    let key = olena.file("In the air", "No network, please.").await;
    let report = olena.app.sync_now(None, 2_000).await;
    assert!(matches!(report, Err(DeskError::Offline) | Ok(SyncReport { reached: false, .. })), "{report:?}");
    assert!(saved(olena.sees(&key).await.summary.delivery.as_ref()));
    let olena = olena.restarted(Switch { offline: true, ..Switch::default() }).await;
    assert!(saved(olena.sees(&key).await.summary.delivery.as_ref()));
    assert_eq!(olena.net.count(), 0, "the network was touched: {:?}", olena.net.asked());
    assert!(asked > 0);
    olena.app.set_offline(false);
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
}
