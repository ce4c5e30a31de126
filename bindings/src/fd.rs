//! Taking over a file descriptor that a shell opened: the one place of this workspace's own `unsafe`.
#![allow(unsafe_code)]

use std::fs::File;

/// The file behind `fd`, which is closed when it is dropped; none for a number behind which nothing is open (what a
/// failed `open` or `dup` answers, or what was closed already), with which the standard library would end the whole app.
#[cfg(unix)]
pub(crate) fn own(fd: i32) -> Option<File> {
    use std::os::fd::{BorrowedFd, FromRawFd as _};
    if fd < 0 {
        return None;
    }
    // SAFETY: only asked whether it is open; -1 was refused above.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) }).ok()?;
    // SAFETY: `Source::Fd` says that the core takes the descriptor over and closes it; the shell detached it
    // (ParcelFileDescriptor.detachFd, dup), so that nobody else closes or reads it.
    Some(unsafe { File::from_raw_fd(fd) })
}
