//! Faults planted on purpose: a property that nobody can break proves nothing. World plants one at a time, on its own
//! thread, and must catch it within a stated number of seeds. Without the feature `planted` every question is answered
//! no at compile time.

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") };
}

/// Plants a fault on this thread; an empty name takes it out.
#[cfg(feature = "planted")]
pub fn plant(name: &'static str) {
    PLANTED.set(name);
}

/// Whether that fault is planted.
#[cfg(feature = "planted")]
pub fn is(name: &str) -> bool {
    PLANTED.get() == name
}

/// Whether that fault is planted: never.
#[cfg(not(feature = "planted"))]
pub const fn is(_name: &str) -> bool {
    false
}
