//! What was measured of speech, and the goals of 4-voice beside it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    SECOND_THREAD,
    corpus::{Clip, Errors, credits, loops},
    live::Spoken,
    quantile,
};

#[derive(Default)]
struct Cell {
    ours: Errors,
    full: Errors,
}

#[derive(Default)]
pub struct Report {
    cells: BTreeMap<(String, String), Cell>,
    audio_s: f64,
    ours_ms: f64,
    full_ms: f64,
    waits: Vec<f64>,
    full_waits: Vec<f64>,
    loops: usize,
    credits: usize,
    full_loops: usize,
    full_credits: usize,
    silent: usize,
    made_up: usize,
    cancels: Vec<f64>,
    load: (f64, f64),
    peak_mb: f64,
    growth: (usize, f64),
}

impl Report {
    pub fn ours(&mut self, clip: &Clip, spoken: Spoken) {
        self.cell(clip).ours += Errors::between(&clip.text, &spoken.text);
        self.audio_s += spoken.audio_s;
        self.ours_ms += spoken.cpu_ms;
        self.waits.push(spoken.wait_s);
        self.loops += usize::from(loops(&spoken.text));
        self.credits += usize::from(credits(&spoken.text));
    }

    pub fn full(&mut self, clip: &Clip, text: &str, cpu_ms: f64) {
        self.cell(clip).full += Errors::between(&clip.text, text);
        self.full_ms += cpu_ms;
        self.full_waits.push(cpu_ms / 1e3 / SECOND_THREAD);
        self.full_loops += usize::from(loops(text));
        self.full_credits += usize::from(credits(text));
    }

    pub fn load(&mut self, wall_ms: f64, cpu_ms: f64) {
        self.load = (wall_ms, cpu_ms);
    }

    pub fn memory(&mut self, added_mb: f64) {
        self.peak_mb = added_mb;
    }

    pub fn silence(&mut self, letters: usize) {
        self.silent += 1;
        self.made_up += letters;
    }

    pub fn cancels(&mut self, stopped: Vec<f64>) {
        self.cancels = stopped;
    }

    pub fn growth(&mut self, utterances: usize, mb: f64) {
        self.growth = (utterances, mb);
    }

    fn cell(&mut self, clip: &Clip) -> &mut Cell {
        let language = clip.language.clone().unwrap_or_default();
        self.cells.entry((language, clip.condition.clone())).or_default()
    }

    /// As Markdown.
    pub fn printed(&self) -> String {
        let mut out = format!(
            "speech: {} clips, {:.0} s, one decoding thread\n\n\
             | speech | core | full context | core ÷ full | goal |\n|---|---|---|---|---|\n",
            self.waits.len(),
            self.audio_s
        );
        let per_second = |ms: f64| ms / 1e3 / self.audio_s;
        let (ours, full) = (per_second(self.ours_ms), per_second(self.full_ms));
        let met = |met: bool| if met { "✓" } else { "✗ **missed**" };
        let mut line = |name: &str, ours: String, full: String, ratio: String, goal: String| {
            let _ = writeln!(out, "| {name} | {ours} | {full} | {ratio} | {goal} |");
        };
        line(
            "CPU s per second of sound, retries included",
            format!("{ours:.3}"),
            format!("{full:.3}"),
            format!("{:.2}", ours / full),
            format!("0.20 {}; ratio 0.45 {}", met(ours <= 0.2), met(ours / full <= 0.45)),
        );
        for (name, q, most) in
            [("stop → text, median, s", 0.5, 0.2), ("the same, nine of ten within, s", 0.9, 0.4)]
        {
            let (ours, full) = (quantile(&self.waits, q), quantile(&self.full_waits, q));
            line(
                name,
                format!("{ours:.2}"),
                format!("{full:.2}"),
                format!("{:.2}", ours / full),
                format!("{most} {}", met(ours <= most)),
            );
        }
        let mut all = Cell::default();
        for ((language, condition), cell) in &self.cells {
            all.ours += cell.ours;
            all.full += cell.full;
            let (ours, full) = (cell.ours.rate(), cell.full.rate());
            line(
                &format!("WER %, {language}, {condition} ({} words)", cell.ours.said),
                format!("{ours:.1}"),
                format!("{full:.1}"),
                format!("{:+.1}", ours - full),
                format!("+0.5 {}", met(ours <= full + 0.5)),
            );
        }
        line(
            &format!("WER %, all ({} words)", all.ours.said),
            format!("{:.1}", all.ours.rate()),
            format!("{:.1}", all.full.rate()),
            format!("{:+.1}", all.ours.rate() - all.full.rate()),
            format!("+0.5 {}", met(all.ours.rate() <= all.full.rate() + 0.5)),
        );
        let none = String::new;
        line(
            "clips with loops; with subtitles' credits",
            format!("{}; {}", self.loops, self.credits),
            format!("{}; {}", self.full_loops, self.full_credits),
            none(),
            format!("0; 0 {}", met(self.loops + self.credits == 0)),
        );
        line(
            &format!("letters made up in {} recordings without speech", self.silent),
            self.made_up.to_string(),
            none(),
            none(),
            format!("0 {}", met(self.made_up == 0)),
        );
        let stopped = quantile(&self.cancels, 0.99);
        line(
            &format!("a cancelled decode goes on, 99 of 100 within, ms (of {})", self.cancels.len()),
            format!("{stopped:.0}"),
            none(),
            none(),
            format!("600 {}", met(stopped <= 600.0)),
        );
        line(
            "memory added at the peak, MB",
            format!("{:.0}", self.peak_mb),
            none(),
            none(),
            format!("150 {}", met(self.peak_mb <= 150.0)),
        );
        let (utterances, growth) = self.growth;
        line(
            &format!("memory gained over {utterances} utterances, MB"),
            format!("{growth:.2}"),
            none(),
            none(),
            format!("1 {}", met(growth <= 1.0)),
        );
        let (wall, cpu) = self.load;
        line(
            "load, warm, ms (CPU)",
            format!("{wall:.0} ({cpu:.0})"),
            none(),
            none(),
            format!("150 {}", met(wall.min(cpu) <= 150.0)),
        );
        out
    }
}
