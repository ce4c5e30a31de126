//! Words are found in whatever form they were written, in three languages, in tickets and replies, of the person's and
//! of others, on this phone alone.

use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, comment, registered},
};

async fn found(phone: &Phone, query: &str, ranked: bool) -> Vec<(String, bool)> {
    let hits = phone.app.search(None, query.into(), ranked, 20).await.expect("a search needs nothing");
    hits.into_iter().map(|hit| (hit.ticket.subject, hit.comment.is_some())).collect()
}

async fn subjects(phone: &Phone, query: &str) -> Vec<String> {
    let mut subjects: Vec<_> =
        found(phone, query, false).await.into_iter().map(|(subject, _)| subject).collect();
    subjects.sort();
    subjects.dedup();
    subjects
}

#[tokio::test]
async fn words_are_found_in_their_other_forms_in_tickets_and_replies_with_no_connection() {
    let desk = Desk::open("Search").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    let mut keys = Vec::new();
    for (subject, description, answer) in [
        ("Касса", "Сканеры не читают штрихкоды", "Мастера придут в понедельник"),
        ("Каса номер два", "Сканери не читають етикетки у п’ятницю", "Майстри прийдуть із запчастинами"),
        ("Till", "The printers are jamming since yesterday", "Our engineers have ordered batteries"),
    ] {
        let key = olena.file(subject, description).await;
        olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
        desk.staff().reply(&key.id, answer).await.expect("staff");
        olena.shows(&key, "the answer", |view| comment(view, answer).is_some()).await;
        keys.push(key);
    }
    olena.rests().await;
    olena.net.always("/", Fate::Lost);
    olena.reply(&keys[2], "The drawers are stuck as well").await;
    for (query, subject) in [
        ("штрихкодами", "Касса"),
        ("сканерами штрихкод", "Касса"),
        ("мастеру", "Касса"),
        ("ПОНЕДЕЛЬНИКА", "Касса"),
        ("етикетками", "Каса номер два"),
        ("п'ятниця", "Каса номер два"),
        ("запчастина", "Каса номер два"),
        ("printer jams", "Till"),
        ("battery", "Till"),
        ("drawer", "Till"),
        ("engin", "Till"),
    ] {
        assert_eq!(subjects(&olena, query).await, [subject], "{query:?}");
    }
    assert_eq!(found(&olena, "battery", true).await, [("Till".to_owned(), true)], "in the reply");
    assert_eq!(found(&olena, "printer", true).await, [("Till".to_owned(), false)], "in the ticket");
    assert!(subjects(&olena, "printer battery elephant").await.is_empty(), "every word has to be there");
    for nothing in ["", "   ", "!?", "\" *", "NEAR(", "a".repeat(5_000).as_str()] {
        assert!(subjects(&olena, nothing).await.is_empty(), "{nothing:?}");
    }
}

#[tokio::test]
async fn hits_come_newest_first_or_best_first_as_asked() {
    let desk = Desk::open("Search in order").await;
    let olena = Phone::new("Olena", &desk).await;
    olena.sign_in(&desk, "olena@shop.example").await;
    for (subject, description) in [
        ("Best", "scanner scanner scanner"),
        ("Middle", "the scanner at the till by the door does not read the labels of the new boxes any more"),
        (
            "Newest",
            "among very many other things in the back of the shop, beside the old shelf and the ladder that \
                    nobody has moved since the spring, there is a scanner, and perhaps somebody could look at it some time",
        ),
    ] {
        let key = olena.file(subject, description).await;
        olena.shows(&key, "a number", |view| registered(view.summary.delivery.as_ref())).await;
    }
    olena.rests().await;
    let names = |hits: Vec<(String, bool)>| hits.into_iter().map(|(subject, _)| subject).collect::<Vec<_>>();
    assert_eq!(names(found(&olena, "scanners", false).await), ["Newest", "Middle", "Best"]);
    assert_eq!(names(found(&olena, "scanners", true).await), ["Best", "Middle", "Newest"]);
    let first = olena.app.search(None, "scanner".into(), true, 1).await.expect("a search");
    assert_eq!(first.len(), 1, "no more than asked for");
    assert!(first[0].excerpt.contains("scanner"), "{:?}", first[0].excerpt);
}
