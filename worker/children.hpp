// SPDX-License-Identifier: MIT
// What a job started must not outlive it. The worker is a child subreaper, so whatever a job's
// processes leave behind becomes its child, in whichever session it hides.
#pragma once

namespace jobmill {

/// Kills and reaps every child and all that they started. One system call when there is none.
void kill_children();

}  // namespace jobmill
