// SPDX-License-Identifier: MIT
// Jobs that a client does not want any more.
#include "daemon/core/assignments.hpp"
#include "daemon/core/planted_bug.hpp"

namespace jobmill::core {

void Assignments::cancel(JobHandle handle, EndedBy why, Turn& turn)
{
    const JobStage before = book_[handle].stage;
    if (!row_of(before, JobWord::cancel)) {
        return;
    }
    book_.blame(handle, why);
    book_.step(handle, JobWord::cancel, turn);
    if (before == JobStage::offered && !JOBMILL_BUG(2)) {
        revoke(handle, turn);
    } else if (before == JobStage::claimed) {
        has_begun(workforce_.slots()[book_.holding(handle).worker.slot], handle, turn);
    }
}

void Assignments::waive(JobHandle handle, Turn& turn)
{
    const JobStage before = book_[handle].stage;
    if (begun(before)) {
        turn.ask(JobLetBe{.job = book_[handle].id});
    } else if (row_of(before, JobWord::waive)) {
        book_.blame(handle, EndedBy::cancel);
        book_.step(handle, JobWord::waive, turn);
        if (before == JobStage::offered) {
            revoke(handle, turn);
        }
    }
}

/// It is found to have begun.
void Assignments::let_be(JobHandle handle, Turn& turn) const
{
    if (book_[handle].stage == JobStage::waived && !JOBMILL_BUG(42)) {
        turn.ask(JobLetBe{.job = book_[handle].id});
    }
}

}  // namespace jobmill::core
