//! Rings of provided buffers: the kernel takes a buffer when it has data for it.
#![allow(unsafe_code)]

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use super::abi::{
    Buf, BufReg, BufStatus, IORING_OFF_PBUF_RING, IORING_OFF_PBUF_SHIFT, IORING_REGISTER_PBUF_RING,
    IORING_REGISTER_PBUF_STATUS, IORING_UNREGISTER_PBUF_RING, IOU_PBUF_RING_MMAP, Ring,
};
use super::register::register;
use crate::sys::{Errno, Result, map};

fn bytes(entries: u32) -> usize {
    entries as usize * size_of::<Buf>()
}

/// Registers a buffer ring that lies where `reg` says, or that the kernel allocates. 5.19.
///
/// # Safety
/// `reg` must be readable; the ring must live until it is unregistered, and so must the buffers put into it.
pub unsafe fn register_ring(ring: &Ring, reg: *const BufReg, flags: u32) -> Result<()> {
    if flags == 0 {
        // SAFETY: the caller's promise.
        return unsafe { register(ring, IORING_REGISTER_PBUF_RING, reg.cast(), 1) }.map(drop);
    }
    // SAFETY: the caller's promise.
    let mut reg = unsafe { reg.read() };
    reg.flags |= flags as u16;
    // SAFETY: the caller's promise about the ring; `reg` is read during the call.
    unsafe { register(ring, IORING_REGISTER_PBUF_RING, ptr::from_ref(&reg).cast(), 1) }.map(drop)
}

/// Ends the group; the memory is the caller's again.
pub fn unregister_ring(ring: &Ring, bgid: i32) -> Result<()> {
    let reg = BufReg {
        bgid: bgid as u16,
        ..BufReg::default()
    };
    // SAFETY: read during the call.
    unsafe { register(ring, IORING_UNREGISTER_PBUF_RING, ptr::from_ref(&reg).cast(), 1) }.map(drop)
}

/// Allocates and registers a buffer ring of `entries`, a power of two up to 32768, as group `bgid`. With `MMAP` in `flags`
/// the kernel allocates it.
pub fn setup_ring(ring: &Ring, entries: u32, bgid: i32, flags: u32) -> Result<NonNull<c_void>> {
    if !entries.is_power_of_two() || entries > 32768 {
        return Err(Errno::EINVAL);
    }
    let mut reg = BufReg {
        ring_entries: entries,
        bgid: bgid as u16,
        flags: flags as u16,
        ..BufReg::default()
    };
    let register = |reg: &BufReg| {
        // SAFETY: the ring lies in the kernel's memory, or in fresh memory that is given back by `free_ring` after it is
        // unregistered.
        unsafe { register(ring, IORING_REGISTER_PBUF_RING, ptr::from_ref(reg).cast(), 1) }
    };
    if reg.flags & IOU_PBUF_RING_MMAP != 0 {
        register(&reg)?;
        let offset = IORING_OFF_PBUF_RING | u64::from(reg.bgid) << IORING_OFF_PBUF_SHIFT;
        return map::shared(ring.ring_fd, offset, bytes(entries))
            .map(NonNull::cast)
            .inspect_err(|_| {
                // The group is new, so nothing keeps it.
                let _ = unregister_ring(ring, bgid);
            });
    }
    let at = map::private(bytes(entries))?;
    reg.ring_addr = at.as_ptr().expose_provenance() as u64;
    match register(&reg) {
        Ok(_) => Ok(at.cast()),
        Err(e) => {
            // SAFETY: the kernel did not take it.
            unsafe { map::unmap(at.as_ptr(), bytes(entries)) };
            Err(e)
        }
    }
}

/// Unregisters and frees what [`setup_ring`] made.
///
/// # Safety
/// `at` must be of [`setup_ring`] with these `entries`, and unused from now on.
pub unsafe fn free_ring(ring: &Ring, at: *mut c_void, entries: u32, bgid: i32) -> Result<()> {
    unregister_ring(ring, bgid)?;
    // SAFETY: the caller's promise.
    unsafe { map::unmap(at.cast(), bytes(entries)) };
    Ok(())
}

/// How far the kernel has taken buffers of a group. 6.8.
pub fn head(ring: &Ring, group: i32) -> Result<u16> {
    let mut status = BufStatus {
        buf_group: group as u32,
        ..BufStatus::default()
    };
    // SAFETY: read and written during the call.
    unsafe { register(ring, IORING_REGISTER_PBUF_STATUS, ptr::from_mut(&mut status).cast(), 1) }?;
    Ok(status.head as u16)
}
