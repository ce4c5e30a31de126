//! Speech models from the company's own desk to a phone, over networks as they are.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use http::Method;
use pocketdesk_domain::dictation::SpeechModelState;
use pocketdesk_ffi::{DeskError, model::*};
use pocketdesk_protocol::models::{CHUNK, Manifest, from_hex};
use pocketdesk_server::{
    blobs::Blobs,
    models::{self, Hosted, sign},
};
use pocketdesk_tests::{
    desk::Desk,
    net::Fate,
    phone::{Phone, Switch},
};

#[path = "../../core/tests/suite/models/shapes.rs"]
mod shapes;

/// Bytes that were on their way to the disk when the process died.
const UNWRITTEN: u64 = 512 << 10;

/// Who signs.
struct Company {
    key: String,
    folder: tempfile::TempDir,
    speech: Vec<u8>,
}

impl Company {
    fn new() -> Self {
        let this = Self {
            key: sign::new_key().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            speech: shapes::speech(1),
        };
        std::fs::write(this.at("silero.bin"), shapes::gate(2)).unwrap();
        std::fs::write(this.at("tiny.en-q5_1.bin"), &this.speech).unwrap();
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn public(&self) -> [u8; 32] {
        from_hex(&sign::public(&sign::read_key(&self.key).unwrap())).unwrap()
    }

    /// Signs what lies in its folder, and has the desk serve it.
    async fn publish(&self, desk: &Desk, serial: u64) {
        let paths = [self.at("silero.bin"), self.at("tiny.en-q5_1.bin")];
        let models = paths.iter().map(|path| sign::describe(path).unwrap()).collect();
        let key = sign::read_key(&self.key).unwrap();
        let envelope = serde_json::to_vec(&sign::sign(&Manifest { serial, models }, &key)).unwrap();
        let blobs = Blobs::folder(&desk.config().data.join("blobs")).unwrap();
        let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
        models::host(&blobs, &Hosted::read(&envelope).unwrap(), &paths, false).await.unwrap();
    }

    /// Whether this phone has the whole of it under the name of its digest.
    fn is_on(&self, phone: &Phone) -> bool {
        let digest = sign::describe(&self.at("tiny.en-q5_1.bin")).unwrap().sha256;
        let path = phone.data().join(format!("models/{digest}.bin"));
        std::fs::read(path).is_ok_and(|bytes| bytes == self.speech)
    }
}

async fn fetched(phone: &Phone) -> Result<(), DeskError> {
    let fetch = phone.app.fetch_speech_model(None, None, false);
    phone.meanwhile(Duration::from_secs(1), fetch).await
}

async fn have(phone: &Phone) -> u64 {
    let models = phone.app.speech_models(None, false).await.unwrap();
    models.iter().map(|model| model.have).max().unwrap_or(0)
}

/// Where each request for bytes of a model began, by digest, in order.
fn starts(phone: &Phone) -> BTreeMap<String, Vec<u64>> {
    let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for asked in phone.net.asked() {
        if let Some(digest) = asked.path.strip_prefix("/models/") {
            let range = asked.range.unwrap_or_default();
            let from = range.trim_start_matches("bytes=").split('-').next().unwrap_or_default();
            starts.entry(digest.to_owned()).or_default().push(from.parse().unwrap_or(0));
        }
    }
    starts
}

#[tokio::test]
async fn a_model_comes_through_kills_cuts_portals_and_a_server_that_starts_anew() {
    let mut desk = Desk::open("A model over a bad network").await;
    let company = Company::new();
    let switch = Switch { by_hand: true, trusts: Some(company.public()), ..Switch::default() };
    let mut olena = Phone::switched("Olena", &desk, switch).await;
    olena.sign_in(&desk, "olena@firm.example").await;
    // The desk has none yet.
    let said = fetched(&olena).await.unwrap_err();
    assert!(matches!(&said, DeskError::NotFound { what } if what == "speech model"), "{said}");
    company.publish(&desk, 1).await;

    let rounds = if std::env::var_os("POCKETDESK_NIGHTLY").is_some() { 200 } else { 24 };
    let (mut reached, mut kills) = (0u64, 0);
    let mut worst = 0;
    while kills < rounds {
        // So many bytes come, then the line is silent, then the process dies.
        let bytes = fastrand::u64(100_000..6_000_000);
        olena.net.next_of(100, Method::GET, "/models/", Fate::StallsAfter(usize::try_from(bytes).unwrap()));
        let fetching = tokio::spawn({
            let app = olena.app.clone();
            async move { app.fetch_speech_model(None, None, false).await }
        });
        let coming = async {
            // It is written in pieces, and the detector comes first.
            let mut last = (u64::MAX, 0);
            while last.1 < 8 && !fetching.is_finished() {
                tokio::time::sleep(Duration::from_millis(25)).await;
                let now = have(&olena).await;
                last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
            }
        };
        tokio::time::timeout(Duration::from_secs(60), coming).await.expect("bytes come or stop");
        let speech = sign::describe(&company.at("tiny.en-q5_1.bin")).unwrap().sha256;
        if let Some(from) = starts(&olena).get(&speech).and_then(|starts| starts.first()) {
            let lost = reached.saturating_sub(*from);
            assert!(lost <= CHUNK, "kill {kills}: {lost} bytes again");
            worst = worst.max(lost);
            reached = (*from + bytes).min(company.speech.len() as u64);
            assert!(have(&olena).await + UNWRITTEN >= reached || fetching.is_finished(), "what came is kept");
        }
        let whole = fetching.is_finished();
        fetching.abort();
        olena = olena.killed(switch).await;
        kills += 1;
        if whole && company.is_on(&olena) {
            olena.app.remove_speech_model("tiny.en-q5_1".into()).await.unwrap();
            reached = 0;
        }
    }
    olena.says(format!("lost at most {worst} bytes by one of {kills} kills"));

    // Cuts, a hotel's portal, an answer for another file: and the server is stopped and started on the way.
    if company.is_on(&olena) {
        olena.app.remove_speech_model("tiny.en-q5_1".into()).await.unwrap();
    }
    olena.net.next_of(1, Method::GET, "/models/", Fate::CutAfter(700_000));
    olena.net.next_of(
        1,
        Method::GET,
        "/models/",
        Fate::Instead {
            status: 200,
            ours: false,
            header: Some(("content-type", "text/html")),
            body: "<html>Room number, please.</html>",
        },
    );
    olena.net.next_of(1, Method::GET, "/models/", Fate::Lost);
    desk.stop().await;
    desk.start().await;
    fetched(&olena).await.unwrap();
    assert!(company.is_on(&olena));
    let views = olena.app.speech_models(None, true).await.unwrap();
    assert_eq!(views[0].state, SpeechModelState::Ready);
    assert!(views[0].recommended);
}

#[tokio::test]
async fn a_page_that_the_desk_itself_sends_in_place_of_a_model_is_not_taken_for_one() {
    let desk = Desk::open("Odd answers").await;
    let company = Company::new();
    company.publish(&desk, 1).await;
    let switch = Switch { by_hand: true, trusts: Some(company.public()), ..Switch::default() };
    let olena = Phone::switched("Olena", &desk, switch).await;
    olena.sign_in(&desk, "olena@firm.example").await;
    for status in [200, 206, 416] {
        let header = Some(("content-type", "text/html"));
        let body = "<html>This page was moved.</html>";
        olena.net.next_of(1, Method::GET, "/models/", Fate::Instead { status, ours: true, header, body });
        // Noticed by its head, or by its first chunk's digest and asked for again: never kept.
        match fetched(&olena).await {
            Ok(()) => olena.says(format!("has the model in spite of a {status}")),
            Err(said) => {
                olena.says(format!("reads, for a {status}: {said}"));
                assert!(!company.is_on(&olena));
                fetched(&olena).await.unwrap();
            }
        }
        assert!(company.is_on(&olena));
        olena.app.remove_speech_model("tiny.en-q5_1".into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_model_that_is_replaced_while_it_comes_is_the_new_one_in_the_end() {
    let desk = Desk::open("A new model on the way").await;
    let mut company = Company::new();
    company.publish(&desk, 1).await;
    let switch = Switch { by_hand: true, trusts: Some(company.public()), ..Switch::default() };
    let olena = Phone::switched("Olena", &desk, switch).await;
    olena.sign_in(&desk, "olena@firm.example").await;
    olena.net.next_of(20, Method::GET, "/models/", Fate::CutAfter(5_000_000));
    olena.net.after(3, Method::GET, "/models/", Fate::Lost);
    let fetching = tokio::spawn({
        let app = olena.app.clone();
        async move { app.fetch_speech_model(None, None, false).await }
    });
    while have(&olena).await < 2_000_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    company.speech = shapes::speech(7);
    std::fs::write(company.at("tiny.en-q5_1.bin"), &company.speech).unwrap();
    company.publish(&desk, 2).await;
    olena.net.mend();
    let wait = async { fetching.await.unwrap() };
    olena.meanwhile(Duration::from_secs(1), wait).await.unwrap();
    assert!(company.is_on(&olena), "the new one");
    assert_eq!(std::fs::read_dir(olena.data().join("models")).unwrap().filter(is_whole).count(), 2);
}

fn is_whole(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "bin")
}

#[tokio::test]
async fn a_connection_that_costs_money_carries_no_model_unless_its_person_says_so() {
    let desk = Desk::open("A metered line").await;
    let company = Company::new();
    company.publish(&desk, 1).await;
    let switch = Switch { by_hand: true, trusts: Some(company.public()), ..Switch::default() };
    let olena = Phone::switched("Olena", &desk, switch).await;
    olena.sign_in(&desk, "olena@firm.example").await;
    olena.app.signal(Signal::Online { network: "the train".into(), metered: true });
    let said = fetched(&olena).await.unwrap_err();
    assert!(said.to_string().contains("Wi-Fi"), "{said}");
    assert!(starts(&olena).is_empty());
    // Wi-Fi ends on the way, and the line breaks with it.
    olena.app.signal(Signal::Online { network: "home".into(), metered: false });
    olena.net.next_of(20, Method::GET, "/models/", Fate::CutAfter(5_000_000));
    let fetching = tokio::spawn({
        let app = olena.app.clone();
        async move { app.fetch_speech_model(None, None, false).await }
    });
    while have(&olena).await < 1_000_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let asked = starts(&olena);
    olena.app.signal(Signal::Online { network: "the train".into(), metered: true });
    let said = olena.meanwhile(Duration::from_secs(1), async { fetching.await.unwrap() }).await.unwrap_err();
    assert!(said.to_string().contains("Wi-Fi"), "{said}");
    assert_eq!(starts(&olena), asked, "nothing was asked for over the train's line");
    olena.net.mend();
    olena.app.fetch_speech_model(None, None, true).await.unwrap();
    assert!(company.is_on(&olena));
    // A phone built for another company believes none of it.
    let other = Switch { trusts: Some([7; 32]), ..switch };
    let max = Phone::switched("Max", &desk, other).await;
    max.sign_in(&desk, "max@firm.example").await;
    let said = fetched(&max).await.unwrap_err();
    assert!(said.to_string().contains("company's key"), "{said}");
    assert!(starts(&max).is_empty());
}

#[tokio::test]
async fn a_desk_that_asks_to_come_later_is_not_asked_before_and_nobody_waits_a_day_without_a_word() {
    let desk = Desk::open("A busy desk").await;
    let company = Company::new();
    company.publish(&desk, 1).await;
    let switch = Switch { by_hand: true, trusts: Some(company.public()), ..Switch::default() };
    let olena = Phone::switched("Olena", &desk, switch).await;
    olena.sign_in(&desk, "olena@firm.example").await;
    let later =
        |wait| Fate::Instead { status: 429, ours: true, header: Some(("retry-after", wait)), body: "{}" };
    olena.net.next_of(1, Method::GET, "/models/", later("60"));
    let before = olena.time.elapsed();
    fetched(&olena).await.unwrap();
    assert!(olena.time.elapsed() - before >= 60_000);
    assert!(company.is_on(&olena));
    olena.app.remove_speech_model("tiny.en-q5_1".into()).await.unwrap();
    olena.net.next_of(1, Method::GET, "/models/", later("86400"));
    let before = olena.time.elapsed();
    let said = fetched(&olena).await.unwrap_err();
    assert!(matches!(said, DeskError::Unreachable), "{said}");
    assert!(olena.time.elapsed() - before < 60_000);
}
