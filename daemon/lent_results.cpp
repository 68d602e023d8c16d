// SPDX-License-Identifier: MIT
#include "daemon/lent_results.hpp"

#include <utility>

#include "common/assert.hpp"

namespace jobmill::daemon {
namespace {

bool fits(std::uint64_t taken, std::uint64_t more, std::uint64_t limit)
{
    return taken == 0 || (taken <= limit && more <= limit - taken);
}

}  // namespace

bool LentResults::has_room(const Submitter& client, std::uint64_t size) const
{
    const auto session = sessions_.find(client.session);
    const auto user = users_.find(client.uid);
    return (session == sessions_.end() || session->second.size() < limits_.per_session) &&
           fits(user == users_.end() ? 0 : user->second, size, limits_.bytes_per_user) &&
           fits(bytes_, size, limits_.bytes);
}

void LentResults::lend(const Submitter& client, JobId job, Payload result)
{
    bytes_ += result.size;
    users_[client.uid] += result.size;
    const bool is_new = sessions_[client.session].emplace(job, std::move(result)).second;
    JOBMILL_ASSERT(is_new);
}

void LentResults::count_out(unsigned uid, std::uint64_t size)
{
    bytes_ -= size;
    std::uint64_t& of_user = users_.at(uid);
    of_user -= size;
    if (of_user == 0) {
        users_.erase(uid);
    }
}

std::optional<Payload> LentResults::take_back(const Submitter& client, JobId job)
{
    const auto session = sessions_.find(client.session);
    if (session == sessions_.end()) {
        return {};
    }
    auto lent = session->second.extract(job);
    if (lent.empty()) {
        return {};
    }
    if (session->second.empty()) {
        sessions_.erase(session);
    }
    count_out(client.uid, lent.mapped().size);
    return std::move(lent.mapped());
}

void LentResults::forget(const Submitter& client)
{
    const auto session = sessions_.extract(client.session);
    if (!session.empty()) {
        for (const auto& [job, result] : session.mapped()) {
            count_out(client.uid, result.size);
        }
    }
}

}  // namespace jobmill::daemon
