//! Pull feeds: `next()` gives the present value first, then each time something changed the newest one; what came
//! in between is skipped. `None` after [`stop`](TicketsFeed::stop), or when the core shuts down. One reader a feed.

use std::sync::Arc;

use pocketdesk_core::engine::feed::Feed;
use pocketdesk_domain::{
    dictation::SpeechModelView,
    model::{AccountView, OutboxItem, TicketPage, TicketView, TransferView},
};

macro_rules! feeds {
    ($($(#[$doc:meta])* $name:ident => $page:ty),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(uniffi::Object)]
        pub struct $name {
            feed: Feed<$page>,
        }

        impl $name {
            pub(crate) fn new(feed: Feed<$page>) -> Arc<Self> {
                Arc::new(Self { feed })
            }
        }

        #[uniffi::export]
        impl $name {
            /// The present value, then each newer one; `None` when the feed was stopped or the core shut down.
            pub async fn next(&self) -> Option<$page> {
                self.feed.next().await
            }

            /// Ends the feed: a waiting `next` answers `None` at once.
            pub fn stop(&self) {
                self.feed.stop();
            }
        }
    )+};
}

feeds! {
    /// Pages of the inbox.
    TicketsFeed => TicketPage,
    /// One ticket; ends when it is gone from this phone.
    TicketFeed => TicketView,
    /// All accounts and where each stands with its desk.
    SyncFeed => Vec<AccountView>,
    /// What waits to be sent or needs the person.
    OutboxFeed => Vec<OutboxItem>,
    /// Files under way.
    TransfersFeed => Vec<TransferView>,
    /// Speech models.
    SpeechModelsFeed => Vec<SpeechModelView>,
}
