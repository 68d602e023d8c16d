// SPDX-License-Identifier: MIT
#include "daemon/batches.hpp"

#include <algorithm>

#include "common/halt.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {
namespace {

tl::expected<core::HaltRule, ErrorReply> rule_of(std::string_view text)
{
    if (text.empty()) {
        return core::HaltRule{};
    }
    const auto halt = parse_halt(text);
    if (!halt) {
        return refuse(error_code::bad_value, halt.error().what, "halt");
    }
    return core::HaltRule{.now = halt->now, .percent = halt->percent, .fail = halt->fail};
}

}  // namespace

BatchSeat::~BatchSeat()
{
    if (holds_ != nullptr) {
        holds_->job_ended(batch_);
    }
}

tl::expected<BatchSeat, ErrorReply> Batches::join(unsigned uid, std::string_view name,
                                                  std::string_view rule)
{
    const auto wanted = rule_of(rule);
    if (!wanted) {
        return tl::unexpected<ErrorReply>(wanted.error());
    }
    auto& names = names_[uid];
    auto found = names.find(name);
    if (found == names.end()) {
        if (names.size() >= most_per_user && names.size() - past_of(uid) >= most_per_user) {
            return refuse_busy(
                "this user has too many batches; the limit is " + std::to_string(most_per_user),
                retry_later_ms, "batch", most_per_user);
        }
        found = names.emplace(std::string{name}, core::BatchId{++last_}).first;
        batches_[found->second] =
            Batch{.uid = uid, .name = found->first, .rule = *wanted, .sessions = {}};
        post_(core::BatchOpened{.batch = found->second, .halt = *wanted});
    }
    Batch& batch = batches_.at(found->second);
    if (batch.halted) {
        return refuse(error_code::halted, "the batch has given up", "batch");
    }
    if (!rule.empty() && *wanted != batch.rule) {
        return refuse(error_code::bad_value, "the batch has another rule already", "halt");
    }
    ++batch.unfinished;
    return BatchSeat{*this, found->second};
}

void Batches::accepted(BatchSeat& seat, SessionId session)
{
    if (const auto found = batches_.find(seat.batch()); found != batches_.end()) {
        seat.keep();
        found->second.sessions.insert(session);
        used_by_[session].insert(seat.batch());
    }
}

void Batches::job_ended(core::BatchId batch)
{
    if (const auto found = batches_.find(batch); found != batches_.end()) {
        --found->second.unfinished;
        close_if_done(batch);
    }
}

void Batches::halted(core::BatchId batch)
{
    if (const auto found = batches_.find(batch); found != batches_.end()) {
        found->second.halted = true;
    }
}

void Batches::session_lost(SessionId session)
{
    const auto used = used_by_.extract(session);
    if (used.empty()) {
        return;
    }
    for (const core::BatchId batch : used.mapped()) {
        if (const auto found = batches_.find(batch); found != batches_.end()) {
            found->second.sessions.erase(session);
            close_if_done(batch);
        }
    }
}

void Batches::close_if_done(core::BatchId id)
{
    const auto found = batches_.find(id);
    if (found->second.unfinished > 0 || !found->second.sessions.empty() || found->second.past) {
        return;
    }
    if (found->second.halted) {
        // Whoever comes late shall be told, and it can be seen what became of it.
        found->second.past = counts_(id);
        past_.push_back(id);
    } else {
        forget(id);
    }
    post_(core::BatchClosed{id});
    if (past_.size() > most_past) {
        forget(past_.front());
        past_.pop_front();
    }
}

void Batches::forget(core::BatchId id)
{
    const auto found = batches_.find(id);
    const auto user = names_.find(found->second.uid);
    user->second.erase(found->second.name);
    if (user->second.empty()) {
        names_.erase(user);
    }
    batches_.erase(found);
}

std::optional<core::BatchId> Batches::find(unsigned uid, std::string_view name) const
{
    const auto user = names_.find(uid);
    if (user == names_.end()) {
        return {};
    }
    const auto found = user->second.find(name);
    return found == user->second.end() ? std::nullopt : std::optional{found->second};
}

std::string Batches::name_of(core::BatchId batch) const
{
    const auto found = batches_.find(batch);
    return found == batches_.end() ? std::string{} : found->second.name;
}

std::size_t Batches::count_of(unsigned uid) const
{
    const auto user = names_.find(uid);
    return user == names_.end() ? 0 : user->second.size();
}

std::size_t Batches::past_of(unsigned uid) const
{
    const auto count = std::count_if(past_.begin(), past_.end(), [&](core::BatchId batch) {
        return batches_.at(batch).uid == uid;
    });
    return static_cast<std::size_t>(count);
}

std::vector<Batches::Listed> Batches::of(unsigned uid, std::size_t most) const
{
    std::vector<Listed> list;
    if (const auto user = names_.find(uid); user != names_.end()) {
        for (const auto& [name, id] : user->second) {
            if (list.size() == most) {
                break;
            }
            const Batch& batch = batches_.at(id);
            list.push_back({.name = name, .counts = batch.past ? *batch.past : counts_(id)});
        }
    }
    return list;
}

}  // namespace jobmill::daemon
