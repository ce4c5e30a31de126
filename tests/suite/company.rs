//! Two people of one company: whose tickets each sees, and what becomes of words when that changes.

use pocketdesk_ffi::model::*;
use pocketdesk_tests::{
    desk::Desk,
    phone::{Phone, comment, registered, remedies, said},
    staff::Staff,
};

struct Bakery {
    company: String,
    north: String,
    south: String,
    ira: String,
}

/// Olena (North) sees her own, Ira as told.
async fn bakery(staff: &Staff) -> Bakery {
    let (company, sites) = staff.company_with_sites("Bakery", &["North", "South"]).await.expect("staff");
    let olena = staff.person("Olena", "olena@bakery.example", Some(&company)).await.expect("staff");
    let ira = staff.person("Ira", "ira@bakery.example", Some(&company)).await.expect("staff");
    staff.places(&olena, &company, &[&sites[0]], "own").await.expect("staff");
    Bakery { company, north: sites[0].clone(), south: sites[1].clone(), ira }
}

/// Olena files at North.
async fn filed_at_north(olena: &Phone, bakery: &Bakery, subject: &str) -> TicketKey {
    let ticket = NewTicket {
        subject: subject.into(),
        description: "It does not knead.".into(),
        company: Some(bakery.company.clone()),
        site: Some(bakery.north.clone()),
        ..NewTicket::default()
    };
    olena.says(format!("files {subject:?} at North"));
    let key = olena.app.submit_ticket(None, ticket).await.expect("it is filed");
    olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    key
}

#[tokio::test]
async fn a_colleagues_ticket_comes_and_goes_with_what_one_may_see() {
    let desk = Desk::open("Own, site, company").await;
    let staff = desk.staff();
    let bakery = bakery(&staff).await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@bakery.example").await;
    let ira = Phone::new("Ira", &desk).await;
    ira.sign_in(&desk, "ira@bakery.example").await;

    desk.teller.section("own: Ira sees nothing of Olena's");
    let key = filed_at_north(&olena, &bakery, "The mixer is broken").await;
    let hers = ira.file("My screen flickers", "Since noon.").await;
    ira.shows(&hers, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    ira.rests().await;
    assert_eq!(ira.lists("her own ticket", |page| page.total == 1).await.tickets[0].key, hers);

    desk.teller.section("company: Ira sees Olena's, with her name; Olena still does not see Ira's");
    staff.places(&bakery.ira, &bakery.company, &[&bakery.south], "company").await.expect("staff");
    ira.lists("both", |page| page.total == 2 && !page.loading).await;
    let there = ira.found(&key.id).await;
    let view = ira.shows(&there, "Olena's ticket", |view| view.description == "It does not knead.").await;
    assert_eq!(view.summary.author.as_deref(), Some("Olena"));
    assert!(view.summary.delivery.is_none(), "what others filed is not on its way: {view:#?}");
    ira.reply(&there, "Ours at South, too").await;
    olena.shows(&key, "Ira's words", |view| comment(view, "Ours at South, too").is_some()).await;
    assert_eq!(olena.lists("her own ticket", |page| page.total == 1).await.tickets[0].key, key);

    desk.teller.section("site South: Olena's, at North, leaves Ira's phone");
    staff.places(&bakery.ira, &bakery.company, &[&bakery.south], "site").await.expect("staff");
    ira.loses(&there, "she sees South alone").await;
    ira.lists("her own ticket", |page| page.total == 1 && !page.loading).await;
    assert!(ira.app.search(None, "knead".into(), false, 10).await.expect("it searches").is_empty());

    desk.teller.section("site North: it comes back, whole");
    staff.places(&bakery.ira, &bakery.company, &[&bakery.north], "site").await.expect("staff");
    ira.lists("both", |page| page.total == 2 && !page.loading).await;
    let there = ira.found(&key.id).await;
    ira.shows(&there, "her own words in it", |view| said(view, "Ours at South, too")).await;
}

#[tokio::test]
async fn a_participant_gets_the_whole_ticket_and_loses_it_again() {
    let desk = Desk::open("Participants").await;
    let staff = desk.staff();
    let bakery = bakery(&staff).await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@bakery.example").await;
    let ira = Phone::new("Ira", &desk).await;
    ira.sign_in(&desk, "ira@bakery.example").await;
    let key = filed_at_north(&olena, &bakery, "The oven is cold").await;
    olena.reply(&key, "It was warm yesterday").await;
    olena.shows(&key, "her words with the desk", |view| said(view, "It was warm yesterday")).await;

    desk.teller.section("Olena adds Ira");
    olena.app.add_participant(key.clone(), "ira@bakery.example".into()).await.expect("she may");
    olena.shows(&key, "Ira following", |view| view.participants == ["Ira"] && view.requests.is_empty()).await;
    ira.lists("the ticket", |page| page.total == 1).await;
    let there = ira.found(&key.id).await;
    ira.shows(&there, "what was said before", |view| {
        view.description == "It does not knead." && comment(view, "It was warm yesterday").is_some()
    })
    .await;
    ira.reply(&there, "I am coming").await;
    olena.shows(&key, "Ira's words", |view| comment(view, "I am coming").is_some()).await;

    desk.teller.section("staff remove Ira: the ticket leaves, and does not come back with news");
    staff.participants(&key.id, &[], &[&bakery.ira]).await.expect("staff");
    ira.loses(&there, "she no longer follows it").await;
    staff.reply(&key.id, "Not for Ira any more").await.expect("staff");
    olena.shows(&key, "the reply", |view| comment(view, "Not for Ira any more").is_some()).await;
    ira.rests().await;
    ira.lists("nothing", |page| page.total == 0).await;

    desk.teller.section("Olena adds her again: all of it");
    olena.app.add_participant(key.clone(), "ira@bakery.example".into()).await.expect("she may");
    ira.lists("the ticket", |page| page.total == 1).await;
    ira.shows(&there, "everything", |view| {
        said(view, "I am coming") && comment(view, "Not for Ira any more").is_some()
    })
    .await;

    desk.teller.section("and removes her, by her name");
    olena.shows(&key, "Ira following", |view| view.participants == ["Ira"] && view.requests.is_empty()).await;
    olena.app.remove_participant(key.clone(), "Ira".into()).await.expect("she may");
    ira.loses(&there, "she no longer follows it").await;
    olena
        .shows(&key, "nobody following", |view| view.participants.is_empty() && view.requests.is_empty())
        .await;
}

#[tokio::test]
async fn words_for_a_ticket_that_left_can_be_filed_anew() {
    let desk = Desk::open("Words for a ticket that left").await;
    let staff = desk.staff();
    let bakery = bakery(&staff).await;
    staff.places(&bakery.ira, &bakery.company, &[&bakery.north], "company").await.expect("staff");
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@bakery.example").await;
    let ira = Phone::new("Ira", &desk).await;
    ira.sign_in(&desk, "ira@bakery.example").await;
    let key = filed_at_north(&olena, &bakery, "The lift is stuck").await;
    ira.lists("Olena's ticket", |page| page.total == 1).await;
    let there = ira.found(&key.id).await;

    desk.teller.section("Ira writes with no connection; meanwhile the ticket leaves her");
    ira.app.set_offline(true);
    ira.reply(&there, "The lift at South sticks as well").await;
    staff.places(&bakery.ira, &bakery.company, &[&bakery.south], "own").await.expect("staff");
    ira.app.set_offline(false);
    let stuck = ira
        .outbox("the words, needing her", |items| {
            items.iter().any(|item| matches!(item.delivery, Delivery::Attention { .. }))
        })
        .await
        .remove(0);
    assert_eq!(stuck.text, "The lift at South sticks as well");
    let ways = remedies(Some(&stuck.delivery));
    assert!(ways.contains(&Remedy::FileAnew) && ways.contains(&Remedy::CopyText), "{ways:?}");
    match &stuck.delivery {
        Delivery::Attention { why: AttentionReason::Rejected { code, .. }, .. } => assert_eq!(code, "left"),
        other => panic!("it should be rejected: {other:?}"),
    }

    desk.teller.section("she files them anew");
    let anew = match ira.app.file_anew(None, stuck.op.clone()).await {
        Ok(key) => key,
        // The subject went with the ticket: the words wait in a draft for one.
        Err(pocketdesk_ffi::DeskError::Invalid { .. }) => {
            let draft = ira.app.drafts(None).await.expect("drafts").remove(0);
            assert_eq!(draft.text, "The lift at South sticks as well");
            let named = NewDraft {
                id: Some(draft.id.clone()),
                subject: "The lift at South".into(),
                text: draft.text,
                ..NewDraft::default()
            };
            ira.app.save_draft(None, named).await.expect("it is kept");
            let sent = ira.app.send_draft(None, draft.id).await.expect("it is sent");
            TicketKey { account: sent.account, id: sent.entity }
        }
        Err(other) => panic!("the words should be filed anew: {other}"),
    };
    let view = ira.shows(&anew, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    assert_eq!(view.description, "The lift at South sticks as well");
    ira.rests().await;
    assert!(ira.app.drafts(None).await.expect("drafts").is_empty());
    assert!(!format!("{}", staff.ticket(&key.id).await.expect("staff")).contains("at South"));
}
