//! The desk's catalogue on its way to phones.

use pocketdesk_protocol::{
    ids::EntityId,
    limits::ENTITIES_PER_COMMIT,
    rows::{CatalogueKind, CatalogueRow, kind},
    sync::Gone,
};
use pocketdesk_server::{
    catalogue::{self, Replaced, parse},
    people::{self, NewCompany},
    testing::{Setting, TestServer},
};

use super::support::{Phone, on_both_stores};

on_both_stores! { Setting::default();
    a_phone_gets_the_catalogue_whole_and_then_what_moved_in_it,
    a_replacing_larger_than_a_commit_reaches_every_phone,
    a_site_of_the_desk_is_named_by_its_own_id,
    a_name_keeps_the_id_it_was_given_although_another_had_it_before,
}

fn words(phone: &Phone) -> Vec<(CatalogueKind, u32, String, EntityId)> {
    let mut words: Vec<_> = phone
        .rows
        .iter()
        .filter(|((of, _), _)| of == kind::CATALOGUE)
        .map(|((_, id), item)| {
            let row: CatalogueRow = serde_json::from_str(item.row.as_ref().unwrap().get()).unwrap();
            (row.kind, row.place, row.name, *id)
        })
        .collect();
    words.sort();
    words
}

async fn load(server: &TestServer, file: &str) -> Replaced {
    catalogue::replace(&server.ctx, &parse(file).unwrap()).await.unwrap()
}

async fn a_phone_gets_the_catalogue_whole_and_then_what_moved_in_it(server: TestServer) {
    let first = "[[type]]\nname='Сбой'\nsynonyms=['не работает']\n[[service]]\nname='Почта'\n[[service]]\nname='Печать'";
    let done = load(&server, first).await;
    assert_eq!(done, Replaced { added: 3, ..Replaced::default() });
    let mut by_snapshot = Phone::of(&server.ctx, "Olena").await;
    by_snapshot.file("Till 2 is dark").await;
    by_snapshot.build().await;
    let before = words(&by_snapshot);
    assert_eq!(before.len(), 3);
    assert_eq!((before[1].1, before[1].2.as_str()), (0, "Почта"));

    // Nothing moves when the same file is loaded again.
    assert_eq!(load(&server, first).await, Replaced { unchanged: 3, ..Replaced::default() });
    let second = "[[type]]\nname='Сбой'\nsynonyms=['сломалось']\n[[service]]\nname='Печать'\n[[urgency]]\nname='Срочно'";
    let done = load(&server, second).await;
    assert_eq!(done, Replaced { added: 1, changed: 2, removed: 1, unchanged: 0 });
    by_snapshot.pull(None).await;
    let after = words(&by_snapshot);
    assert_eq!(after.iter().map(|word| word.2.as_str()).collect::<Vec<_>>(), ["Сбой", "Печать", "Срочно"]);
    assert_eq!(after[0].3, before[0].3, "a name keeps its id");
    let gone = before.iter().find(|word| word.2 == "Почта").unwrap().3;
    assert_eq!(by_snapshot.gone.get(&(kind::CATALOGUE.to_owned(), gone)), Some(&Gone::Deleted));

    // A name that comes back is the same name, and a phone built anew sees what the others see.
    load(&server, first).await;
    by_snapshot.pull(None).await;
    let mut anew = Phone::another(&server.ctx, by_snapshot.session.person).await;
    anew.build().await;
    assert_eq!(words(&by_snapshot), before);
    assert_eq!(words(&anew), before);
}

async fn a_replacing_larger_than_a_commit_reaches_every_phone(server: TestServer) {
    let mut phone = Phone::of(&server.ctx, "Olena").await;
    phone.build().await;
    let count = 2 * ENTITIES_PER_COMMIT + 7;
    let many: String =
        (0..count).map(|n| format!("[[service]]\nname='Service {n} {}'\n", "x".repeat(150))).collect();
    assert_eq!(load(&server, &many).await.added, count);
    phone.pull(None).await;
    assert_eq!(words(&phone).len(), count);
    let mut anew = Phone::of(&server.ctx, "Max").await;
    assert!(anew.build().await > 1, "it goes on in a second frame");
    assert_eq!(words(&anew), words(&phone), "everybody sees the same, whole");
    assert_eq!(load(&server, "type = []").await.removed, count);
    phone.pull(None).await;
    assert_eq!(words(&phone), []);
}

async fn a_site_of_the_desk_is_named_by_its_own_id(server: TestServer) {
    let new = NewCompany { name: "Firm".into(), sites: vec!["Склад".into(), "Двір".into()] };
    let company = people::create_company(&server.ctx, &new).await.unwrap();
    // Two companies have a yard: which one is meant is not known.
    let other = NewCompany { name: "Other".into(), sites: vec!["Двір".into()] };
    people::create_company(&server.ctx, &other).await.unwrap();
    load(&server, "[[site]]\nname='Склад'\n[[site]]\nname='Двір'\n[[service]]\nname='Склад'").await;
    let mut phone = Phone::of(&server.ctx, "Olena").await;
    phone.build().await;
    let store = company.sites.iter().find(|site| site.name == "Склад").unwrap().id;
    let of = |kind, name: &str| {
        words(&phone).into_iter().find(|word| word.0 == kind && word.2 == name).unwrap().3.0
    };
    assert_eq!(of(CatalogueKind::Site, "Склад"), store.0);
    assert_ne!(of(CatalogueKind::Service, "Склад"), store.0);
    assert!(company.sites.iter().all(|site| site.id.0 != of(CatalogueKind::Site, "Двір")));
}

async fn a_name_keeps_the_id_it_was_given_although_another_had_it_before(server: TestServer) {
    let mut phone = Phone::of(&server.ctx, "Olena").await;
    phone.build().await;
    load(&server, "[[service]]\nname='Пошта'").await;
    load(&server, "service = []").await;
    for given in ["00000000-0000-7000-8000-000000000001", "ffffffff-ffff-7fff-bfff-ffffffffffff"] {
        load(&server, &format!("[[service]]\nname='Пошта'\nid='{given}'")).await;
        let done = load(&server, "[[service]]\nname='Пошта'").await;
        assert_eq!(done, Replaced { unchanged: 1, ..Replaced::default() }, "{given}");
        phone.pull(None).await;
        assert_eq!(words(&phone).len(), 1);
        assert_eq!(words(&phone)[0].3.to_string(), given);
    }
}
