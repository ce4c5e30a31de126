//! Bars for files and speech models under way, on a terminal's stderr only; scripts see nothing of them.

use std::{collections::HashMap, sync::Arc};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pocketdesk_domain::model::{Direction, TransferView};
use pocketdesk_ffi::{
    Pocketdesk, SpeechModelsFeed, TransfersFeed,
    dictation::{SpeechModelState, SpeechModelView},
};

use super::{Output, parts::one_line};

/// Draws what moves in the core while some other work runs.
pub struct Progress {
    feed: Feed,
    drawing: Option<Bars>,
}

/// Where it comes from.
#[derive(Clone)]
enum Feed {
    Transfers(Arc<TransfersFeed>),
    Models(Arc<SpeechModelsFeed>),
}

/// A file under way.
struct Row {
    id: String,
    name: String,
    direction: Direction,
    done: u64,
    total: u64,
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
        Self::new(Feed::Transfers(desk.watch_transfers(account)), out)
    }

    /// Begins to watch the speech models.
    pub fn of_models(desk: &Pocketdesk, out: &Output) -> Self {
        Self::new(Feed::Models(desk.watch_speech_models()), out)
    }

    fn new(feed: Feed, out: &Output) -> Self {
        let drawing = (out.watched && !out.json).then(|| Bars {
            all: MultiProgress::new(),
            one: HashMap::new(),
            up: out.say("direction-up", &[]),
            down: out.say("direction-down", &[]),
        });
        Self { feed, drawing }
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

impl Feed {
    async fn next(&self) -> Option<Vec<Row>> {
        Some(match self {
            Self::Transfers(feed) => feed.next().await?.into_iter().filter_map(Row::of_file).collect(),
            Self::Models(feed) => feed.next().await?.into_iter().filter_map(Row::of_model).collect(),
        })
    }

    fn stop(&self) {
        match self {
            Self::Transfers(feed) => feed.stop(),
            Self::Models(feed) => feed.stop(),
        }
    }
}

impl Row {
    fn of_file(file: TransferView) -> Option<Self> {
        let TransferView { attachment: id, name, direction, done, total, stopped, .. } = file;
        (!stopped).then_some(Self { id, name, direction, done, total })
    }

    fn of_model(model: SpeechModelView) -> Option<Self> {
        let SpeechModelView { id, have: done, bytes: total, state, .. } = model;
        let row = Self { name: id.clone(), id, direction: Direction::Down, done, total };
        (state == SpeechModelState::Fetching).then_some(row)
    }
}

impl Bars {
    fn draw(&mut self, page: &[Row]) {
        for row in page {
            let bar = self.one.entry(row.id.clone()).or_insert_with(|| {
                let bar = ProgressBar::new(row.total);
                let style = "{prefix} {msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {eta}";
                bar.set_style(
                    ProgressStyle::with_template(style).expect("the template is ours and a test draws it"),
                );
                bar.set_prefix(match row.direction {
                    Direction::Up => self.up.clone(),
                    Direction::Down => self.down.clone(),
                });
                bar.set_message(one_line(&row.name));
                // Not before it has all its words: adding it draws it.
                self.all.add(bar)
            });
            bar.set_length(row.total);
            bar.set_position(row.done);
        }
        let under_way: Vec<_> = page.iter().map(|row| &row.id).collect();
        for (_, bar) in self.one.extract_if(|id, _| !under_way.contains(&id)) {
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
        let stopped = TransferView { stopped: true, ..transfer.clone() };
        assert!(Row::of_file(stopped).is_none(), "one that somebody stopped does not move");
        bars.draw(&[Row::of_file(transfer).unwrap()]);
        assert_eq!(bars.one["f"].position(), 1);
        assert_eq!(bars.one["f"].message(), "till .png");
        bars.draw(&[]);
        assert!(bars.one.is_empty());
    }

    #[test]
    fn a_speech_model_that_comes_is_drawn_and_one_that_lies_here_is_not() {
        let model = |state| SpeechModelView {
            id: "base-q5_1".to_owned(),
            languages: Vec::new(),
            bytes: 60,
            have: 20,
            state,
            recommended: true,
        };
        let row = Row::of_model(model(SpeechModelState::Fetching)).unwrap();
        assert_eq!((row.name.as_str(), row.done, row.total), ("base-q5_1", 20, 60));
        assert!(Row::of_model(model(SpeechModelState::Stopped)).is_none());
    }
}
