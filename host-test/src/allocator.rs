//! Settings of the C library's allocator.

/// Longer than any document that is read whole: of those there are many, and new memory for each
/// would take a sixth of the time of a scan.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LONG: i32 = 9 << 20;

/// Has every long allocation given back to the system once it is freed.
///
/// glibc otherwise learns from the first long one that such are usual, and then keeps what is freed:
/// for each thread, several times the longest event that it has read.
pub(crate) fn give_back_long_ones() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for setting in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it is called before there is another thread, and takes two numbers.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(setting, LONG)
        };
    }
}
