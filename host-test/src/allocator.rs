//! Settings of the C library's allocator.

/// Has every long allocation given back to the system once it is freed.
///
/// glibc otherwise learns from the first long one that such are usual, and then keeps what is freed:
/// for each thread, several times the longest event that it has read.
pub(crate) fn give_back_long_ones() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (setting, bytes) in [(libc::M_MMAP_THRESHOLD, 1 << 20), (libc::M_TRIM_THRESHOLD, 4 << 20)] {
        // SAFETY: it is called before there is another thread, and takes two numbers.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(setting, bytes)
        };
    }
}
