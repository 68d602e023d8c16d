// SPDX-License-Identifier: MIT
// set: how much of a pool, of a label, or of all may run.
#include "client/commands/adjustment_words.hpp"
#include "client/commands/ask.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/session.hpp"
#include "client/commands/status_table.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {

int set(const CommonOptions& common, const SetOptions& options)
{
    const auto adjustment = parse_adjustment(options);
    if (!adjustment) {
        return misused(adjustment.error());
    }
    auto client = open_session(common, false);
    if (!client) {
        return gave_up(client.error());
    }
    const Answer answer = ask(*client, client->adjust(*adjustment));
    if (const auto code = not_answered(common, answer)) {
        return *code;
    }
    const auto* adjusted = std::get_if<event::Adjusted>(&**answer);
    if (adjusted == nullptr) {
        return failed({Errc::invalid, "the daemon did not answer the adjustment"});
    }
    return print_answer(common, **answer, shares_text(adjusted->body));
}

}  // namespace jobmill::commands
