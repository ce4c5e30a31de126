//! Words as they are heard, on a terminal's stderr only; scripts see nothing of them.

use indicatif::{ProgressBar, ProgressStyle};
use pocketdesk_domain::model::HeardView;

use super::Output;

/// One line with the newest words; until there are any, with what goes on.
pub struct Live {
    bar: Option<ProgressBar>,
    ended: bool,
}

impl Live {
    /// Says `what` goes on.
    pub fn new(out: &Output, what: &str) -> Self {
        let bar = (out.watched && !out.json).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(
                ProgressStyle::with_template("{wide_msg}").unwrap_or(ProgressStyle::default_spinner()),
            );
            bar.set_message(what.to_owned());
            bar.tick();
            bar
        });
        Self { ended: bar.is_none(), bar }
    }

    /// Draws what is `heard` next; never ends once nothing more is.
    pub async fn next(&mut self, heard: impl AsyncFn() -> Option<HeardView>) {
        if !self.ended
            && let Some(heard) = heard().await
        {
            self.draw(&heard);
            return;
        }
        self.ended = true;
        std::future::pending().await
    }

    /// Waits for `work`, drawing meanwhile.
    pub async fn while_waiting<T>(
        &mut self,
        heard: impl AsyncFn() -> Option<HeardView>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.next(&heard) => {}
            }
        }
    }

    fn draw(&self, heard: &HeardView) {
        let Some(bar) = &self.bar else { return };
        let pale = console::style(&heard.tentative).for_stderr().dim();
        let line = format!("{} {} {pale}", heard.text, heard.stable);
        // The newest words stay in view.
        let width = usize::from(console::Term::stderr().size().1).saturating_sub(2);
        let over = console::measure_text_width(&line).saturating_sub(width);
        let line =
            if over > 0 { console::strip_ansi_codes(&line).chars().skip(over).collect() } else { line };
        bar.set_message(line);
        bar.tick();
    }

    /// Leaves no trace of it.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
