//! Bars for files under way, on a terminal's stderr only; scripts see nothing of them.

use std::{collections::HashMap, sync::Arc};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pocketdesk_domain::model::{Direction, TransferView};
use pocketdesk_ffi::{Pocketdesk, TransfersFeed};

use super::{Output, parts::one_line};

/// Draws the transfers of the core while some other work runs.
pub struct Progress {
    feed: Arc<TransfersFeed>,
    drawing: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    one: HashMap<String, ProgressBar>,
    up: String,
    down: String,
}

impl Progress {
    /// Begins to watch the transfers of an account, or of all.
    pub fn of(desk: &Pocketdesk, account: Option<String>, out: &Output) -> Self {
        let drawing = (out.watched && !out.json).then(|| Bars {
            all: MultiProgress::new(),
            one: HashMap::new(),
            up: out.say("direction-up", &[]),
            down: out.say("direction-down", &[]),
        });
        Self { feed: desk.watch_transfers(account), drawing }
    }

    /// Runs `work` to its end, drawing meanwhile.
    pub async fn during<T>(mut self, work: impl Future<Output = T>) -> T {
        let Some(bars) = &mut self.drawing else { return work.await };
        let mut work = std::pin::pin!(work);
        let mut feed = Some(self.feed.clone());
        loop {
            let page = async {
                match &feed {
                    Some(feed) => feed.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                done = &mut work => {
                    self.feed.stop();
                    let _ = bars.all.clear();
                    return done;
                }
                page = page => match page {
                    Some(page) => bars.draw(&page),
                    None => feed = None,
                },
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.feed.stop();
    }
}

impl Bars {
    fn draw(&mut self, page: &[TransferView]) {
        for transfer in page.iter().filter(|transfer| !transfer.stopped) {
            let bar = self.one.entry(transfer.attachment.clone()).or_insert_with(|| {
                let bar = ProgressBar::new(transfer.total);
                let style = "{prefix} {msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {eta}";
                bar.set_style(
                    ProgressStyle::with_template(style).expect("the template is ours and a test draws it"),
                );
                bar.set_prefix(match transfer.direction {
                    Direction::Up => self.up.clone(),
                    Direction::Down => self.down.clone(),
                });
                bar.set_message(one_line(&transfer.name));
                // Not before it has all its words: adding it draws it.
                self.all.add(bar)
            });
            bar.set_length(transfer.total);
            bar.set_position(transfer.done);
        }
        let under_way: Vec<_> = page.iter().map(|transfer| &transfer.attachment).collect();
        for (_, bar) in self.one.extract_if(|attachment, _| !under_way.contains(&attachment)) {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use pocketdesk_domain::model::Delivery;

    use super::*;

    #[test]
    fn a_file_under_way_is_drawn_and_leaves_when_it_is_there() {
        let mut bars = Bars {
            all: MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden()),
            one: HashMap::new(),
            up: "Sending".to_owned(),
            down: "Loading".to_owned(),
        };
        let transfer = TransferView {
            account: "a".to_owned(),
            attachment: "f".to_owned(),
            name: "till\n.png".to_owned(),
            direction: Direction::Up,
            delivery: Delivery::Sending { sent: 1, total: 2 },
            done: 1,
            total: 2,
            stopped: false,
        };
        bars.draw(std::slice::from_ref(&transfer));
        assert_eq!(bars.one["f"].position(), 1);
        assert_eq!(bars.one["f"].message(), "till .png");
        bars.draw(&[]);
        assert!(bars.one.is_empty());
    }
}
