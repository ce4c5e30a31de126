//! Who sees what: participants, sites, companies; what was there and is no longer.

use pocketdesk_protocol::{
    ids::PersonId,
    op::{ParticipantBody, TicketCreateBody, WireOp, kind},
    sync::{Gone, Verdict, code},
};
use pocketdesk_server::{
    people::{self, NewCompany, NewPerson, PutScopes, Sees},
    staff,
    testing::{START, Setting, TestServer},
};

use super::support::{Phone, all_applied, applied, on_both_stores, receipt, rejected};

on_both_stores! { Setting::default();
    a_participant_gets_the_whole_ticket_and_loses_it_whole,
    a_ticket_of_five_hundred_rows_joins_in_parts_its_own_row_last,
    words_for_a_ticket_that_left_are_told_so,
    a_kept_comment_returns_to_a_ticket_that_left,
    a_site_sees_its_own_tickets_and_a_company_all_of_its,
    a_person_files_for_their_own_company_alone,
    only_people_of_the_desk_can_follow,
    nobody_learns_of_people_of_another_company,
    a_follower_may_leave_but_not_throw_others_out,
    a_ticket_that_left_by_policy_is_told_so,
}

fn who(person: PersonId) -> ParticipantBody {
    ParticipantBody { person: Some(person), email: None }
}

async fn a_participant_gets_the_whole_ticket_and_loses_it_whole(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let mut taras = Phone::of(&server.ctx, "Taras").await;
    taras.build().await;
    let (ticket, create) = olena.file("The lift").await;
    applied(&olena.send(&[olena.comment(ticket, "It stopped", Some(&create))]).await[0]);
    taras.pull(None).await;
    assert!(taras.rows.is_empty());
    let by_mail = ParticipantBody { person: None, email: Some("Taras@Example.com".into()) };
    let add = olena.participant(kind::PARTICIPANT_ADD, ticket, &by_mail);
    let again = olena.participant(kind::PARTICIPANT_ADD, ticket, &by_mail);
    all_applied(&olena.send(&[add, again]).await);
    taras.pull(None).await;
    assert_eq!(taras.words(ticket), ["It stopped"]);
    let row = taras.ticket(ticket).unwrap();
    assert_eq!(row.participants.len(), 1);
    assert_eq!(row.participants[0].name, "Taras");
    all_applied(
        &taras.send(&[taras.comment(ticket, "I saw it", None), taras.read(kind::READ_MARK, ticket, 2)]).await,
    );

    applied(
        &olena.send(&[olena.participant(kind::PARTICIPANT_REMOVE, ticket, &who(taras.session.person))]).await
            [0],
    );
    taras.pull(None).await;
    assert!(taras.rows.is_empty(), "nothing of it is left: {:?}", taras.rows.keys());
    assert!(taras.gone.values().all(|why| *why == Gone::Left));
    olena.build().await;
    assert_eq!(olena.words(ticket), ["It stopped", "I saw it"]);

    // Back again: all of it, his read mark too.
    applied(&olena.send(&[olena.participant(kind::PARTICIPANT_ADD, ticket, &by_mail)]).await[0]);
    taras.pull(None).await;
    let mut fresh = Phone::another(&server.ctx, taras.session.person).await;
    fresh.build().await;
    assert_eq!(taras.shown(), fresh.shown());
    assert!(taras.rows.contains_key(&("read".into(), ticket.into())));
}

async fn a_ticket_of_five_hundred_rows_joins_in_parts_its_own_row_last(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let mut taras = Phone::of(&server.ctx, "Taras").await;
    let (ticket, create) = olena.file("The lift").await;
    let mut ops: Vec<WireOp> = vec![create];
    for n in 0..450 {
        ops.push(olena.comment(ticket, &format!("{n}"), ops.last()));
    }
    all_applied(&olena.send(&ops).await);
    taras.build().await;
    applied(
        &olena.send(&[olena.participant(kind::PARTICIPANT_ADD, ticket, &who(taras.session.person))]).await[0],
    );
    let mut pages = 0;
    loop {
        let before = taras.rows.len();
        let page = taras.page(Some(1)).await;
        pages += 1;
        assert!(taras.rows.len() <= before + 200, "a commit holds at most 200 rows");
        assert!(page.complete || taras.ticket(ticket).is_none(), "its own row comes last");
        if page.complete {
            break;
        }
    }
    assert!(pages >= 3, "{pages}");
    assert_eq!(taras.words(ticket).len(), 450);
    applied(
        &olena.send(&[olena.participant(kind::PARTICIPANT_REMOVE, ticket, &who(taras.session.person))]).await
            [0],
    );
    taras.page(Some(1)).await;
    assert!(taras.ticket(ticket).is_none(), "and leaves first");
    taras.pull(None).await;
    assert!(taras.rows.is_empty());
    // So does a deletion: what is left of a large ticket follows it out.
    let mut own = Phone::another(&server.ctx, olena.session.person).await;
    own.build().await;
    staff::delete_ticket(&server.ctx, ticket).await.unwrap();
    own.pull(None).await;
    assert!(own.rows.is_empty());
}

async fn words_for_a_ticket_that_left_are_told_so(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let taras = Phone::of(&server.ctx, "Taras").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    let offline = taras.comment(ticket, "Written in the tunnel", None);
    staff::participants(&server.ctx, "Ira", ticket, &[], &[taras.session.person]).await.unwrap();
    assert_eq!(rejected(&taras.send(&[offline]).await[0]), code::LEFT);
}

async fn a_kept_comment_returns_to_a_ticket_that_left(server: TestServer) {
    let mut olena = Phone::of(&server.ctx, "Olena").await;
    let taras = Phone::of(&server.ctx, "Taras").await;
    let (ticket, _) = olena.file("The lift").await;
    staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    let mut kept = taras.comment(ticket, "Words the restore lost", None);
    kept.receipt = receipt(&taras.send(std::slice::from_ref(&kept)).await[0]);
    // As after a restore: the server has forgotten it, and meanwhile the ticket left.
    let mut tx = server.ctx.store.begin(pocketdesk_server::store::Mode::Write).await.unwrap();
    tx.batch("DELETE FROM verdict; DELETE FROM comment").await.unwrap();
    tx.commit().await.unwrap();
    staff::participants(&server.ctx, "Ira", ticket, &[], &[taras.session.person]).await.unwrap();
    applied(&taras.send(&[kept]).await[0]);
    olena.build().await;
    assert_eq!(olena.words(ticket), ["Words the restore lost"]);
}

async fn member(
    server: &TestServer,
    name: &str,
    company: &people::Company,
    site: usize,
    sees: Sees,
) -> Phone {
    let new = NewPerson {
        email: format!("{name}@sun.example"),
        name: Some(name.into()),
        company: Some(company.id),
        sites: vec![company.sites[site].id],
        sees,
    };
    let person = people::create(&server.ctx, &new).await.unwrap().id;
    Phone::another(&server.ctx, person).await
}

async fn a_site_sees_its_own_tickets_and_a_company_all_of_its(server: TestServer) {
    let new = NewCompany { name: "Sun".into(), sites: vec!["Harbour".into(), "Mill".into()] };
    let company = people::create_company(&server.ctx, &new).await.unwrap();
    let olena = member(&server, "Olena", &company, 0, Sees::Own).await;
    let mut ira = member(&server, "Ira", &company, 0, Sees::Site).await;
    let mut max = member(&server, "Max", &company, 1, Sees::Company).await;
    let mut taras = member(&server, "Taras", &company, 1, Sees::Site).await;
    let mut stranger = Phone::of(&server.ctx, "Stranger").await;
    for phone in [&mut ira, &mut max, &mut taras, &mut stranger] {
        phone.build().await;
    }
    let (ticket, create) = olena.file("The lift").await;
    applied(&olena.send(&[olena.comment(ticket, "It stopped", Some(&create))]).await[0]);
    for phone in [&mut ira, &mut max, &mut taras, &mut stranger] {
        phone.pull(None).await;
    }
    assert_eq!(ira.words(ticket), ["It stopped"], "the same site");
    assert_eq!(max.words(ticket), ["It stopped"], "the whole company");
    assert!(taras.rows.is_empty() && stranger.rows.is_empty(), "another site, nobody");
    let row = max.ticket(ticket).unwrap();
    assert_eq!(row.company.unwrap().name, "Sun");
    assert_eq!(row.site.unwrap().name, "Harbour");
    // Who sees it may speak in it; what they mark is theirs alone.
    all_applied(
        &max.send(&[max.comment(ticket, "Fix it", None), max.read(kind::READ_MARK, ticket, 1)]).await,
    );
    ira.pull(None).await;
    assert_eq!(ira.words(ticket), ["It stopped", "Fix it"]);
    assert!(!ira.rows.contains_key(&("read".into(), ticket.into())));
    let me = people::me(&server.ctx, max.session.person, "Desk").await.unwrap();
    assert_eq!((me.heads.len(), me.company.unwrap().name.as_str(), me.sites.len()), (3, "Sun", 1));
}

async fn a_person_files_for_their_own_company_alone(server: TestServer) {
    let sun =
        people::create_company(&server.ctx, &NewCompany { name: "Sun".into(), sites: vec!["Mill".into()] })
            .await
            .unwrap();
    let olena = Phone::of(&server.ctx, "Olena").await;
    let body = TicketCreateBody {
        subject: "The lift".into(),
        description: String::new(),
        attachments: vec![],
        company: Some(sun.id),
        site: None,
        made_at: START,
    };
    let company = olena.op(kind::TICKET_CREATE, olena.id(), &body, None);
    let body = TicketCreateBody { company: None, site: Some(sun.sites[0].id), ..body };
    let site = olena.op(kind::TICKET_CREATE, olena.id(), &body, None);
    for verdict in olena.send(&[company, site]).await {
        assert_eq!(rejected(&verdict), code::NO_RIGHT);
    }
}

async fn only_people_of_the_desk_can_follow(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let (ticket, _) = olena.file("The lift").await;
    let unknown = ParticipantBody { person: None, email: Some("nobody@example.com".into()) };
    let ops = [
        olena.participant(kind::PARTICIPANT_ADD, ticket, &unknown),
        olena.participant(kind::PARTICIPANT_ADD, ticket, &who(PersonId(server.ctx.env.new_id()))),
        olena.participant(kind::PARTICIPANT_ADD, ticket, &ParticipantBody { person: None, email: None }),
    ];
    let verdicts = olena.send(&ops).await;
    assert_eq!(rejected(&verdicts[0]), code::UNKNOWN_PERSON);
    assert_eq!(rejected(&verdicts[1]), code::UNKNOWN_PERSON);
    assert_eq!(rejected(&verdicts[2]), code::INVALID);
}

async fn nobody_learns_of_people_of_another_company(server: TestServer) {
    let sun =
        people::create_company(&server.ctx, &NewCompany { name: "Sun".into(), sites: vec![] }).await.unwrap();
    let of_sun = |sees| PutScopes { company: Some(sun.id), sites: vec![], sees };
    let olena = Phone::of(&server.ctx, "Olena").await;
    let taras = Phone::of(&server.ctx, "Taras").await;
    people::put_scopes(&server.ctx, taras.session.person, &of_sun(Sees::Own)).await.unwrap();
    let (ticket, _) = olena.file("The lift").await;
    let by_mail = ParticipantBody { person: None, email: Some("taras@example.com".into()) };
    let unknown = ParticipantBody { person: None, email: Some("nobody@example.com".into()) };
    let verdicts = olena
        .send(&[
            olena.participant(kind::PARTICIPANT_ADD, ticket, &by_mail),
            olena.participant(kind::PARTICIPANT_ADD, ticket, &unknown),
            olena.participant(kind::PARTICIPANT_REMOVE, ticket, &by_mail),
            olena.participant(kind::PARTICIPANT_REMOVE, ticket, &unknown),
        ])
        .await;
    assert_eq!(rejected(&verdicts[0]), code::UNKNOWN_PERSON);
    assert_eq!(verdicts[0], verdicts[1], "a stranger looks like nobody");
    assert_eq!(verdicts[2], verdicts[3]);
    // Whom staff let follow may be let go again.
    staff::participants(&server.ctx, "Ira", ticket, &[taras.session.person], &[]).await.unwrap();
    applied(&olena.send(&[olena.participant(kind::PARTICIPANT_REMOVE, ticket, &by_mail)]).await[0]);
    people::put_scopes(&server.ctx, olena.session.person, &of_sun(Sees::Own)).await.unwrap();
    applied(&olena.send(&[olena.participant(kind::PARTICIPANT_ADD, ticket, &by_mail)]).await[0]);
}

async fn a_follower_may_leave_but_not_throw_others_out(server: TestServer) {
    let olena = Phone::of(&server.ctx, "Olena").await;
    let taras = Phone::of(&server.ctx, "Taras").await;
    let max = Phone::of(&server.ctx, "Max").await;
    let (ticket, _) = olena.file("The lift").await;
    let both = [taras.session.person, max.session.person];
    staff::participants(&server.ctx, "Ira", ticket, &both, &[]).await.unwrap();
    let other = taras.participant(kind::PARTICIPANT_REMOVE, ticket, &who(max.session.person));
    assert_eq!(rejected(&taras.send(&[other]).await[0]), code::NO_RIGHT);
    let own = taras.participant(kind::PARTICIPANT_REMOVE, ticket, &who(taras.session.person));
    let verdict = taras.send(std::slice::from_ref(&own)).await;
    applied(&verdict[0]);
    assert_eq!(taras.send(&[own]).await[0], verdict[0], "replayed, though the ticket has left");
}

async fn a_ticket_that_left_by_policy_is_told_so(server: TestServer) {
    let new = NewCompany { name: "Sun".into(), sites: vec!["Harbour".into()] };
    let company = people::create_company(&server.ctx, &new).await.unwrap();
    let olena = member(&server, "Olena", &company, 0, Sees::Own).await;
    let mut max = member(&server, "Max", &company, 0, Sees::Company).await;
    let (ticket, _) = olena.file("The lift").await;
    max.build().await;
    assert!(max.ticket(ticket).is_some());
    let own = PutScopes { company: Some(company.id), sites: vec![], sees: Sees::Own };
    people::put_scopes(&server.ctx, max.session.person, &own).await.unwrap();
    assert_eq!(rejected(&max.send(&[max.comment(ticket, "Hm", None)]).await[0]), code::LEFT);
    max.build().await;
    assert!(max.rows.is_empty());
    // Somebody who never held it learns nothing.
    let stranger = Phone::of(&server.ctx, "Stranger").await;
    assert!(matches!(
        stranger.send(&[stranger.comment(ticket, "Hm", None)]).await[0],
        Verdict::Blocked { .. }
    ));
}
