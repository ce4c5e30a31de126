//! The VFS: what SQLite asks of a disk, answered by a [`super::Disk`]. SQLite's chance and clock come from the seed
//! through it too, so that one seed is one trace.
#![allow(unsafe_code, reason = "a VFS is a table of C functions; nothing outside this file is unsafe")]

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_void},
    ptr,
    sync::{Arc, Mutex, Once, PoisonError},
};

use fastrand::Rng;
use pocketdesk_sqlite_sys as _;
use rusqlite::ffi::*;

use super::{Disk, REGION, Region, Shared, Trouble, lock as locked, place};

/// Our VFS by itself, for plain files.
pub const PLAIN: &str = "world";
/// The same below SQLite3MultipleCiphers.
pub const SEALED: &str = "multipleciphers-world";

thread_local! {
    static HOST: RefCell<(i64, Rng)> = const { RefCell::new((0, Rng::with_seed(0))) };
}

/// Begins a seed on this thread: SQLite's clock and chance start from it.
pub fn host(seed: u64, now: i64) {
    static SEEDING: Mutex<()> = Mutex::new(());
    install();
    HOST.with(|host| *host.borrow_mut() = (now, Rng::with_seed(seed)));
    let _one = SEEDING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: SQLite is initialised (install). A count of 0 resets its generator, which is then seeded from the
    // default VFS at the first call: ours for that moment, the system's own again for everybody else.
    unsafe {
        let system = sqlite3_vfs_find(ptr::null());
        let ours = sqlite3_vfs_find(c"world".as_ptr());
        sqlite3_vfs_register(ours, 1);
        sqlite3_randomness(0, ptr::null_mut());
        let mut byte = 0_u8;
        sqlite3_randomness(1, (&raw mut byte).cast());
        sqlite3_vfs_register(system, 1);
    }
}

/// What SQLite's own functions take for the time, milliseconds since the Unix epoch.
pub fn set_clock(now: i64) {
    HOST.with(|host| host.borrow_mut().0 = now);
}

/// What a handle stands for.
struct Handle {
    disk: Shared,
    inode: usize,
    name: String,
    process: u32,
    id: u64,
    /// A connection of a killed process holds pointers into these until it is dropped.
    regions: Vec<Arc<Region>>,
}

/// SQLite's file, with room for ours behind its head.
#[repr(C)]
struct File {
    head: sqlite3_file,
    handle: *mut Handle,
}

fn code(trouble: Trouble) -> c_int {
    match trouble {
        Trouble::Failed => SQLITE_IOERR,
        Trouble::Full => SQLITE_FULL,
    }
}

/// SAFETY (for callers): `name` is null or a C string that lives through the call.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

/// Runs `work` on the disk of a file unless its process is dead.
///
/// SAFETY (for callers): `file` was opened by [`open`] and is not closed.
unsafe fn on(
    file: *mut sqlite3_file,
    work: impl FnOnce(&mut Disk, &mut Handle) -> Result<(), c_int>,
) -> c_int {
    // SAFETY: `open` put a box's pointer there, `close` alone takes it back, and SQLite uses a file on one thread
    // at a time.
    let handle = unsafe { &mut *(*file.cast::<File>()).handle };
    let shared = handle.disk.clone();
    let mut disk = locked(&shared);
    if !disk.is_alive(handle.process) {
        return SQLITE_IOERR;
    }
    work(&mut disk, handle).err().unwrap_or(SQLITE_OK)
}

/// SAFETY: called by SQLite, with a name it keeps and `file` of our szOsFile bytes.
unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: `file` is ours to fill; without methods SQLite does not close it.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: a file name is a C string that outlives the file. Temporary files have none and lie in memory.
    let Some((disk, process, name)) = unsafe { text(name.cast()) }.and_then(place) else {
        return SQLITE_CANTOPEN;
    };
    let opened = {
        let mut disk = locked(&disk);
        if !disk.is_alive(process) {
            return SQLITE_IOERR;
        }
        let inode = match disk.find(name) {
            Some(inode) => Ok(inode),
            None if flags & SQLITE_OPEN_CREATE == 0 => return SQLITE_CANTOPEN,
            None => {
                let journal = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
                disk.create(name, flags & journal != 0)
            }
        };
        inode.map(|inode| (inode, disk.handle()))
    };
    let Ok((inode, id)) = opened else { return SQLITE_CANTOPEN };
    let handle = Handle { disk, inode, name: name.to_owned(), process, id, regions: Vec::new() };
    // SAFETY: as above; the box is taken back by `close`.
    unsafe {
        (*file.cast::<File>()).handle = Box::into_raw(Box::new(handle));
        (*file).pMethods = &METHODS;
        if !out.is_null() {
            *out = flags;
        }
    }
    SQLITE_OK
}

/// SAFETY: called by SQLite once for each file that `open` gave methods to.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open until the box is dropped in the last line.
    unsafe {
        on(file, |disk, handle| {
            let inode = &mut disk.inodes[handle.inode];
            inode.locks.remove(&handle.id);
            inode.shm_locks.retain(|(id, _), _| *id != handle.id);
            Ok(())
        });
        drop(Box::from_raw((*file.cast::<File>()).handle));
    }
    SQLITE_OK
}

/// SAFETY: called by SQLite with an open file and `count` bytes to fill.
unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let into = std::slice::from_raw_parts_mut(into.cast::<u8>(), count as usize);
            let bytes = disk.inodes[handle.inode].now.get(at as usize..).unwrap_or_default();
            let have = bytes.len().min(into.len());
            into[..have].copy_from_slice(&bytes[..have]);
            if have < into.len() {
                into[have..].fill(0);
                return Err(SQLITE_IOERR_SHORT_READ);
            }
            Ok(())
        })
    }
}

/// SAFETY: called by SQLite with an open file and `count` bytes to read.
unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), count as usize);
            disk.write(handle.inode, at as usize, bytes).map_err(code)
        })
    }
}

/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    // SAFETY: as above.
    unsafe { on(file, |disk, handle| disk.cut(handle.inode, length as usize).map_err(code)) }
}

/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: as above.
    unsafe { on(file, |disk, handle| disk.sync(handle.inode, &handle.name).map_err(code)) }
}

/// SAFETY: called by SQLite with an open file and a place for the answer.
unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            *out = disk.inodes[handle.inode].now.len() as i64;
            Ok(())
        })
    }
}

/// SQLite's lock levels: 1 shared, 2 reserved, 3 pending, 4 exclusive.
///
/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn lock(file: *mut sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let locks = &mut disk.inodes[handle.inode].locks;
            if locks.get(&handle.id).is_some_and(|mine| mine.1 >= wanted) {
                return Ok(());
            }
            let others = locks.iter().filter(|(id, _)| **id != handle.id).map(|(_, lock)| lock.1).max();
            let level = match (wanted, others.unwrap_or(0)) {
                (1, 3..) | (2 | 4, 2..) => return Err(SQLITE_BUSY),
                (4, 1..) => {
                    // Pending: nobody new comes in, those who read go out.
                    locks.insert(handle.id, (handle.process, 3));
                    return Err(SQLITE_BUSY);
                }
                (wanted, _) => wanted,
            };
            locks.insert(handle.id, (handle.process, level));
            Ok(())
        })
    }
}

/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn unlock(file: *mut sqlite3_file, to: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let locks = &mut disk.inodes[handle.inode].locks;
            if to == 0 {
                locks.remove(&handle.id);
            } else {
                locks.insert(handle.id, (handle.process, to));
            }
            Ok(())
        })
    }
}

/// SAFETY: called by SQLite with an open file and a place for the answer.
unsafe extern "C" fn is_reserved(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            *out = c_int::from(disk.inodes[handle.inode].locks.values().any(|lock| lock.1 >= 2));
            Ok(())
        })
    }
}

/// SAFETY: touches none of its arguments.
unsafe extern "C" fn control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    SQLITE_NOTFOUND
}

/// SAFETY: touches none of its arguments.
unsafe extern "C" fn sector(_: *mut sqlite3_file) -> c_int {
    4096
}

/// SAFETY: touches none of its arguments.
unsafe extern "C" fn traits(_: *mut sqlite3_file) -> c_int {
    SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

/// SAFETY: called by SQLite with an open file and a place for the pointer.
unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    number: c_int,
    _: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: as above. The region lives as long as this handle, and SQLite's own locks order who writes into it.
    unsafe {
        on(file, |disk, handle| {
            let shm = &mut disk.inodes[handle.inode].shm;
            *out = ptr::null_mut();
            let number = number as usize;
            if shm.len() <= number && extend == 0 {
                return Ok(());
            }
            while shm.len() <= number {
                shm.push(Arc::new(Region(Box::new([0; REGION]))));
            }
            let region = shm[number].clone();
            *out = region.0.as_ptr().cast_mut().cast();
            handle.regions.push(region);
            Ok(())
        })
    }
}

/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let locks = &mut disk.inodes[handle.inode].shm_locks;
            let (slots, exclusive) = (first..first + count, flags & SQLITE_SHM_EXCLUSIVE != 0);
            if flags & SQLITE_SHM_UNLOCK != 0 {
                locks.retain(|(id, slot), _| *id != handle.id || !slots.contains(slot));
                return Ok(());
            }
            let taken = locks
                .iter()
                .any(|((id, slot), lock)| *id != handle.id && slots.contains(slot) && (exclusive || lock.1));
            if taken {
                return Err(SQLITE_BUSY);
            }
            for slot in slots {
                locks.insert((handle.id, slot), (handle.process, exclusive));
            }
            Ok(())
        })
    }
}

/// SAFETY: touches nothing; everything is on one thread or behind the disk's lock.
unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {}

/// SAFETY: called by SQLite with an open file.
unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(file, |disk, handle| {
            let inode = &mut disk.inodes[handle.inode];
            inode.shm_locks.retain(|(id, _), _| *id != handle.id);
            if delete != 0 {
                inode.shm.clear();
            }
            Ok(())
        });
    }
    SQLITE_OK
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(traits),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// SAFETY: called by SQLite with a C string.
unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: as above.
    let Some((disk, process, name)) = unsafe { text(name) }.and_then(place) else { return SQLITE_IOERR };
    let mut disk = locked(&disk);
    if !disk.is_alive(process) {
        return SQLITE_IOERR;
    }
    match disk.unlink(name) {
        Ok(false) => SQLITE_IOERR_DELETE_NOENT,
        Ok(true) if sync_folder != 0 => {
            disk.sync_folder(super::folder_of(name)).map_or_else(code, |()| SQLITE_OK)
        }
        Ok(true) => SQLITE_OK,
        Err(trouble) => code(trouble),
    }
}

/// SAFETY: called by SQLite with a C string and a place for the answer.
unsafe extern "C" fn access(_: *mut sqlite3_vfs, name: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        let Some((disk, _, name)) = text(name).and_then(place) else { return SQLITE_IOERR };
        *out = c_int::from(locked(&disk).find(name).is_some());
    }
    SQLITE_OK
}

/// SAFETY: called by SQLite with a C string and `room` bytes for the answer.
unsafe extern "C" fn full_name(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: as above; names are absolute already.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > room as usize {
            return SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    SQLITE_OK
}

/// SAFETY: called by SQLite with `count` bytes to fill.
unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: as above.
    let bytes = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), count as usize) };
    HOST.with(|host| host.borrow_mut().1.fill(bytes));
    count
}

/// Nobody else can run meanwhile: sleeping would only be slow.
///
/// SAFETY: touches none of its arguments.
unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

/// SAFETY: called by SQLite with a place for the answer, in days.
unsafe extern "C" fn now(_: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: as above.
    unsafe { *out = HOST.with(|host| host.borrow().0) as f64 / 86_400_000.0 + 2_440_587.5 };
    SQLITE_OK
}

/// SAFETY: called by SQLite with a place for the answer, in milliseconds of Julian days.
unsafe extern "C" fn now_ms(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: as above.
    unsafe { *out = HOST.with(|host| host.borrow().0) + 210_866_760_000_000 };
    SQLITE_OK
}

/// SQLite3MultipleCiphers calls it without looking whether it is there.
///
/// SAFETY: touches none of its arguments.
unsafe extern "C" fn last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}

/// Makes our VFS known to SQLite, once a process and beside the system's own.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = Box::leak(Box::new(sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<File>() as c_int,
            mxPathname: 512,
            pNext: ptr::null_mut(),
            zName: c"world".as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_name),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(now),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(now_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: initialised first, so that the ciphers' own VFS is the default before ours comes; the table is
        // leaked and so outlives SQLite.
        let registered = unsafe {
            sqlite3_initialize();
            sqlite3_vfs_register(vfs, 0)
        };
        assert_eq!(registered, SQLITE_OK, "SQLite takes a VFS");
    });
}
