//! Set-up with flags in order of wish.

use super::query;
use crate::sys::{Errno, Result};
use crate::uring::{
    IORING_SETUP_COOP_TASKRUN, IORING_SETUP_CQE_MIXED, IORING_SETUP_CQE32, IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_HYBRID_IOPOLL, IORING_SETUP_IOPOLL, IORING_SETUP_NO_MMAP, IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_REGISTERED_FD_ONLY, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SQ_AFF, IORING_SETUP_SQ_REWIND,
    IORING_SETUP_SQE_MIXED, IORING_SETUP_SQE128, IORING_SETUP_SQPOLL, IORING_SETUP_TASKRUN_FLAG, Params, Ring, setup,
};

/// The most wishes of one call.
pub const MOST: usize = 32;

/// What has no meaning without another flag brings that along.
fn with_needs(flags: u32) -> u32 {
    let needs = [
        (IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER),
        (IORING_SETUP_REGISTERED_FD_ONLY, IORING_SETUP_NO_MMAP),
        (IORING_SETUP_SQ_REWIND, IORING_SETUP_NO_SQARRAY),
    ];
    needs
        .into_iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(flags, |flags, (_, needed)| flags | needed)
}

/// Whether a kernel that knows all of these flags takes them together.
fn go_together(flags: u32) -> bool {
    let has = |these: u32| flags & these != 0;
    let all = |these: u32| flags & these == these;
    let work = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;
    let excluded = has(IORING_SETUP_SQPOLL) && has(work | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQ_REWIND)
        || all(IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED)
        || all(IORING_SETUP_SQE128 | IORING_SETUP_SQE_MIXED);
    let alone = has(IORING_SETUP_TASKRUN_FLAG) && !has(work)
        || has(IORING_SETUP_SQ_AFF) && !has(IORING_SETUP_SQPOLL)
        || has(IORING_SETUP_HYBRID_IOPOLL) && !has(IORING_SETUP_IOPOLL)
        || has(flags) && with_needs(flags) != flags;
    !excluded && !alone
}

/// The flags of the ring that `attempt` made last: those that it must have, and of the wishes as many as go, the first ones
/// before the others. `known` are those that the kernel knows, if it says so. One attempt if that is right; else one more
/// for each wish, and one at last if none of them goes.
fn choose(must: u32, wishes: &[u32], known: Option<u64>, mut attempt: impl FnMut(u32) -> Result<()>) -> Result<u32> {
    let possible = |chosen: u32, wish: u32| {
        let flags = chosen | with_needs(wish);
        let fits = go_together(flags) && known.is_none_or(|known| u64::from(flags & !must) & !known == 0);
        if fits { flags } else { chosen }
    };
    let all = wishes.iter().fold(must, |chosen, &wish| possible(chosen, wish));
    match attempt(all) {
        Err(Errno::EINVAL) if all != must => {}
        made => return made.map(|()| all),
    }
    let mut chosen = must;
    let mut made = false;
    for &wish in wishes {
        let flags = possible(chosen, wish);
        if flags == chosen || flags == all {
            continue;
        }
        match attempt(flags) {
            Ok(()) => (chosen, made) = (flags, true),
            Err(Errno::EINVAL) => {}
            Err(e) => return Err(e),
        }
    }
    if !made {
        attempt(must)?;
    }
    Ok(chosen)
}

/// Makes a ring as `p` says, with those flags of `wishes` besides that the kernel has; which flags these are together.
///
/// # Errors
/// `EINVAL` for more than [`MOST`] wishes, and of the kernel without any of them; every other error as it comes. There is
/// no ring then, and `p` is as it was.
pub fn init(entries: u32, ring: &mut Ring, p: &mut Params, wishes: &[u32]) -> Result<u32> {
    *ring = Ring::zeroed();
    if wishes.len() > MOST {
        return Err(Errno::EINVAL);
    }
    let asked = *p;
    // A kernel that does not know the question is tried.
    let known = if wishes.is_empty() {
        None
    } else {
        query::opcodes().ok().map(|answer| answer.setup_flags)
    };
    let chosen = choose(asked.flags, wishes, known, |flags| {
        let mut became = Params { flags, ..asked };
        let mut next = Ring::zeroed();
        setup::init_params(entries, &mut next, &mut became)?;
        setup::exit(ring);
        (*ring, *p) = (next, became);
        Ok(())
    });
    if chosen.is_err() {
        setup::exit(ring);
        *p = asked;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOP: u32 = IORING_SETUP_COOP_TASKRUN;
    const SINGLE: u32 = IORING_SETUP_SINGLE_ISSUER;
    const DEFER: u32 = IORING_SETUP_DEFER_TASKRUN;
    const SQPOLL: u32 = IORING_SETUP_SQPOLL;

    /// What a kernel that knows `known` makes of it, and what it was asked for.
    fn on(known: u32, must: u32, wishes: &[u32]) -> (Result<u32>, Vec<u32>) {
        let mut asked = Vec::new();
        let chosen = choose(must, wishes, None, |flags| {
            asked.push(flags);
            if flags & !known == 0 {
                Ok(())
            } else {
                Err(Errno::EINVAL)
            }
        });
        (chosen, asked)
    }

    #[test]
    fn a_new_kernel_is_asked_once() {
        let (chosen, asked) = on(u32::MAX, 0, &[DEFER, COOP, IORING_SETUP_CQE_MIXED]);
        let all = DEFER | SINGLE | COOP | IORING_SETUP_CQE_MIXED;
        assert_eq!((chosen, asked), (Ok(all), vec![all]));
    }

    #[test]
    fn an_old_one_once_more_for_each_wish() {
        let (chosen, asked) = on(COOP | SINGLE, 0, &[DEFER, COOP, SINGLE]);
        assert_eq!(chosen, Ok(COOP | SINGLE));
        // All, the first, the second, the second and the third, which is what the ring is made with.
        assert_eq!(asked, [DEFER | SINGLE | COOP, DEFER | SINGLE, COOP, COOP | SINGLE]);
        let (chosen, asked) = on(0, 0, &[DEFER, COOP]);
        assert_eq!((chosen, asked.last(), asked.len()), (Ok(0), Some(&0), 4));
    }

    #[test]
    fn what_the_kernel_says_saves_attempts() {
        let mut asked = 0;
        let chosen = choose(0, &[DEFER, COOP, SQPOLL], Some((COOP | SQPOLL).into()), |flags| {
            asked += 1;
            if flags == COOP { Ok(()) } else { Err(Errno::EINVAL) }
        });
        assert_eq!((chosen, asked), (Ok(COOP), 1));
    }

    #[test]
    fn earlier_wishes_win_over_later_ones() {
        assert_eq!(on(u32::MAX, 0, &[SQPOLL, DEFER, COOP]).0, Ok(SQPOLL));
        assert_eq!(on(u32::MAX, 0, &[COOP, SQPOLL]).0, Ok(COOP));
        assert_eq!(
            on(u32::MAX, IORING_SETUP_CQE32, &[IORING_SETUP_CQE_MIXED, COOP]).0,
            Ok(IORING_SETUP_CQE32 | COOP)
        );
        assert_eq!(on(u32::MAX, 0, &[IORING_SETUP_TASKRUN_FLAG, COOP]).0, Ok(COOP));
        assert_eq!(
            on(u32::MAX, 0, &[COOP, IORING_SETUP_TASKRUN_FLAG]).0,
            Ok(COOP | IORING_SETUP_TASKRUN_FLAG)
        );
    }

    #[test]
    fn other_errors_end_it() {
        for error in [Errno::EPERM, Errno::ENOMEM, Errno::ENOSYS, Errno::EMFILE] {
            let mut asked = 0;
            let chosen = choose(0, &[COOP, SINGLE], None, |_| {
                asked += 1;
                Err(error)
            });
            assert_eq!((chosen, asked), (Err(error), 1));
        }
        // What it must have is not bargained about.
        assert_eq!(on(COOP, 1 << 31, &[COOP]).0, Err(Errno::EINVAL));
    }
}
