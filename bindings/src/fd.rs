//! Taking over a file descriptor that a shell opened: the one place of this workspace's own `unsafe`.
#![allow(unsafe_code)]

use std::fs::File;

/// The file behind `fd`, which is closed when it is dropped.
#[cfg(unix)]
pub(crate) fn own(fd: i32) -> File {
    use std::os::fd::FromRawFd as _;
    // SAFETY: `Source::Fd` says that the core takes the descriptor over and closes it; the shell detached it
    // (ParcelFileDescriptor.detachFd, dup), so that nobody else closes or reads it.
    unsafe { File::from_raw_fd(fd) }
}
