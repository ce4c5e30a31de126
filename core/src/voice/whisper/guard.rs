//! What whisper.cpp asks while it decodes: whether to go on, and what may come next. Its callbacks are C functions over
//! a plain pointer; whisper-rs's safe setter for the abort callback registers the wrong trampoline for a closure.
#![allow(unsafe_code)]

use std::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicBool, Ordering},
};

use whisper_rs::{FullParams, WhisperTokenData, WhisperTokenId, whisper_rs_sys};

/// Why a decode should end early; shared with those who push sound and cancel.
#[derive(Debug, Default)]
pub(super) struct Stop {
    cancelled: AtomicBool,
    preempted: AtomicBool,
}

impl Stop {
    /// The recording is forgotten.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(super) fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Something better than a partial is to be decoded.
    pub(super) fn preempt(&self, yes: bool) {
        self.preempted.store(yes, Ordering::Release);
    }
}

/// The most tokens of one word or phrase that repeats itself.
const LONGEST_LOOP: usize = 12;

/// Rules for one decode.
pub(super) struct Guard<'a> {
    stop: &'a Stop,
    /// Whether something better to decode ends this one.
    preemptible: bool,
    /// The first token that is no text.
    eot: WhisperTokenId,
    /// The token of the timestamp 0.00.
    beginning: WhisperTokenId,
    /// The timestamp of the clip's end.
    end: WhisperTokenId,
    vocabulary: usize,
    /// Tokens a clip of this length can have.
    most: usize,
    /// Text tokens to keep, once the decode went astray.
    pub(super) keep: Option<usize>,
}

impl<'a> Guard<'a> {
    /// For a clip of so many samples.
    pub(super) fn new(
        stop: &'a Stop,
        preemptible: bool,
        model: &super::decoder::Ids,
        samples: usize,
    ) -> Self {
        let end = model.beginning + i32::try_from(samples.div_ceil(320)).unwrap_or(1_500).min(1_500);
        let most = 12 * samples / 16_000 + 16;
        let vocabulary = model.vocabulary;
        Self {
            stop,
            preemptible,
            eot: model.eot,
            beginning: model.beginning,
            end,
            vocabulary,
            most,
            keep: None,
        }
    }

    /// Makes whisper.cpp ask this guard. `self` must outlive the decode.
    pub(super) fn watch(&mut self, params: &mut FullParams) {
        let data = std::ptr::from_mut(self).cast::<c_void>();
        // SAFETY: the functions take what is handed in here, a pointer to a Guard that lives on the stack of the
        // caller of the decode, on whose thread whisper.cpp calls both; nobody else touches it meanwhile.
        unsafe {
            params.set_abort_callback(Some(asked_to_stop));
            params.set_abort_callback_user_data(data);
            params.set_filter_logits_callback(Some(filter));
            params.set_filter_logits_callback_user_data(data);
        }
    }

    pub(super) fn stops(&self) -> bool {
        self.stop.cancelled() || self.preemptible && self.stop.preempted.load(Ordering::Acquire)
    }

    /// Ends a decode that repeats itself or says more than anybody can in the clip's time.
    fn filter(&mut self, said: &[WhisperTokenData], logits: &mut [f32]) {
        let text = || said.iter().filter(|token| token.id < self.eot).map(|token| token.id);
        if self.keep.is_none() {
            let ids: Vec<_> = text().collect();
            self.keep = looped(&ids).or((said.len() >= self.most).then_some(ids.len()));
        }
        if self.keep.is_some() {
            // The end's timestamp closes a segment for good; it may not follow another timestamp.
            let after_text = said.last().is_some_and(|token| token.id < self.eot);
            let next = if after_text { self.end } else { self.eot };
            logits.fill(f32::NEG_INFINITY);
            logits[next as usize] = 0.0;
        }
    }

    /// Whether a token is text.
    pub(super) fn is_text(&self, id: WhisperTokenId) -> bool {
        id < self.eot && id < self.beginning
    }
}

/// How many tokens to keep when the last ones repeat themselves: one repetition of them.
fn looped(ids: &[WhisperTokenId]) -> Option<usize> {
    (1..=LONGEST_LOOP).find_map(|period| {
        let times = match period {
            1 => 6,
            2..=3 => 4,
            _ => 3,
        };
        let span = period * times;
        let tail = &ids[ids.len().checked_sub(span)?..];
        tail.chunks(period).all(|chunk| chunk == &tail[..period]).then(|| ids.len() - span + period)
    })
}

unsafe extern "C" fn asked_to_stop(data: *mut c_void) -> bool {
    // SAFETY: `watch` handed it in. Only shared: the other callback does not run at the same time.
    unsafe { &*data.cast::<Guard>() }.stops()
}

unsafe extern "C" fn filter(
    _: *mut whisper_rs_sys::whisper_context,
    _: *mut whisper_rs_sys::whisper_state,
    said: *const WhisperTokenData,
    count: c_int,
    logits: *mut f32,
    data: *mut c_void,
) {
    // SAFETY: `watch` handed it in; whisper.cpp calls on the decode's own thread.
    let guard = unsafe { &mut *data.cast::<Guard>() };
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: whisper.cpp hands in `count` tokens (the pointer of none may be null) and a logit per word.
    let (said, logits) = unsafe {
        let said = if count == 0 { &[][..] } else { std::slice::from_raw_parts(said, count) };
        (said, std::slice::from_raw_parts_mut(logits, guard.vocabulary))
    };
    guard.filter(said, logits);
}

unsafe extern "C" {
    fn pocketdesk_whisper_polls_abort_in_graph() -> c_int;
}

/// Does not link without the patch in vendor/whisper, without which a cancelled decode goes on for seconds.
pub(super) fn polls_in_graph() -> bool {
    // SAFETY: takes nothing and returns 1.
    unsafe { pocketdesk_whisper_polls_abort_in_graph() == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_say_twice_stays() {
        assert_eq!(looped(&[]), None);
        assert_eq!(looped(&[1, 2, 3, 1, 2, 3]), None, "a phrase said twice");
        assert_eq!(looped(&[5, 9, 9, 9, 9, 9]), None, "no, no, no, no, no");
        assert_eq!(looped(&[1, 2, 3, 4, 5, 6, 7, 8]), None);
    }

    #[test]
    fn a_loop_is_said_once() {
        assert_eq!(looped(&[1, 2, 9, 9, 9, 9, 9, 9]), Some(3));
        assert_eq!(looped(&[7, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]), Some(5));
        assert_eq!(looped(&[1, 2, 1, 2, 1, 2, 1, 2]), Some(2));
    }
}
