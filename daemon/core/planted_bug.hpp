// SPDX-License-Identifier: MIT
// Mistakes made on purpose, to see that the simulator finds each of them. There are none but in
// programs that are compiled with JOBMILL_PLANTED_BUGS, which make the one that they are told to.
#pragma once

#ifdef JOBMILL_PLANTED_BUGS

namespace jobmill::core {

/// The number of the mistake that is made; 0 is none.
inline int planted_bug = 0;

}  // namespace jobmill::core

#define JOBMILL_BUG(number) (::jobmill::core::planted_bug == (number))
#else
#define JOBMILL_BUG(number) false
#endif
