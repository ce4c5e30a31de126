//! What a shell sees of a bug in the core, or of its own: an error it can show, and an app that goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pocketdesk_ffi::{
    DeskError, OpenError, Platform, Pocketdesk, SecretStore, SecretStoreError, Source, file_secrets,
    model::{NewTicket, TicketFilter},
};

use crate::desk::{config, open};

/// Panics inside the core, on the thread that works for it, as long as it is told to.
struct Buggy {
    secrets: Arc<dyn SecretStore>,
    panics: AtomicBool,
}

impl Buggy {
    fn look(&self) {
        assert!(!self.panics.load(Ordering::SeqCst), "a bug");
    }
}

impl SecretStore for Buggy {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, SecretStoreError> {
        self.look();
        self.secrets.load(name)
    }
    fn save(&self, name: String, secret: Vec<u8>) -> Result<(), SecretStoreError> {
        self.look();
        self.secrets.save(name, secret)
    }
    fn remove(&self, name: String) -> Result<(), SecretStoreError> {
        self.look();
        self.secrets.remove(name)
    }
}

fn words() -> NewTicket {
    NewTicket { subject: "No light".into(), ..NewTicket::default() }
}

#[tokio::test]
async fn a_panic_in_the_core_is_an_error_of_that_call_and_the_app_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = file_secrets(dir.path().join("secrets").display().to_string());
    let buggy = Arc::new(Buggy { secrets, panics: AtomicBool::new(true) });
    let offline = pocketdesk_ffi::Config { offline: true, ..config(dir.path()) };
    let phone = Pocketdesk::open(offline, Platform { secrets: buggy.clone() }).await.unwrap();

    let failed = phone.submit_ticket(None, words()).await.unwrap_err();
    assert!(matches!(failed, DeskError::Defect { .. }), "{failed:?}: nobody shut it down");
    assert_eq!(phone.tickets(TicketFilter::default(), 0, 10).await.unwrap().total, 0);

    buggy.panics.store(false, Ordering::SeqCst);
    phone.submit_ticket(None, words()).await.expect("the next one is kept");
    assert_eq!(phone.tickets(TicketFilter::default(), 0, 10).await.unwrap().total, 1);
    phone.shut_down().await;
    assert_eq!(phone.submit_ticket(None, words()).await.unwrap_err(), DeskError::Closed);
}

#[tokio::test]
async fn a_panic_while_opening_is_an_error_that_says_nothing_was_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let phone = open(dir.path(), config(dir.path())).await;
    phone.submit_ticket(None, words()).await.unwrap();
    phone.shut_down().await;

    let secrets = file_secrets(dir.path().join("secrets").display().to_string());
    let buggy = Arc::new(Buggy { secrets, panics: AtomicBool::new(true) });
    let opened = Pocketdesk::open(config(dir.path()), Platform { secrets: buggy }).await;
    assert!(matches!(opened.err(), Some(OpenError::Defect { .. })));

    let phone = open(dir.path(), config(dir.path())).await;
    assert_eq!(phone.tickets(TicketFilter::default(), 0, 10).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_descriptor_that_could_not_be_opened_is_refused_and_does_not_end_the_app() {
    let dir = tempfile::tempdir().unwrap();
    let phone = open(dir.path(), config(dir.path())).await;
    // The last one: a number that no file has any more.
    for fd in [-1, -7, i32::MIN, 100_000] {
        let refused = phone.attach(None, Source::Fd { fd, name: "photo.jpg".into() }).await.unwrap_err();
        assert!(matches!(&refused, DeskError::Invalid { field, .. } if field == "fd"), "{refused:?}");
    }
}
