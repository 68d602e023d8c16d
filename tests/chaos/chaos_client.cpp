// SPDX-License-Identifier: MIT
#include "tests/chaos/chaos_client.hpp"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "jobmill/error_code.hpp"

namespace jobmill::chaos {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t most_open = 20;
/// A history, and with it what the checker has to hold, is no longer than that.
constexpr std::size_t most_history = std::size_t{4} << 20U;
/// Nothing that anybody does here takes so long; so long without an end is one that never comes.
constexpr std::int64_t patience = 40'000'000'000;

constexpr std::int64_t milliseconds = 1'000'000;

void pause(std::uint64_t time)
{
    (void)::poll(nullptr, 0, static_cast<int>(time));
}

}  // namespace

std::string history_path(const std::string& directory, unsigned seat, unsigned generation)
{
    return directory + "/client-" + std::to_string(seat) + "-" + std::to_string(generation);
}

std::vector<std::uint64_t> unread_jobs(const std::vector<std::string>& histories)
{
    std::unordered_map<std::string, bool> detached;
    std::unordered_map<std::string, std::uint64_t> waits;
    std::vector<std::uint64_t> jobs;
    for (const std::string& path : histories) {
        read_history(path, [&](const Record& record) {
            if (record.what == What::submit && record.number("detached") != 0) {
                detached[record.id] = true;
            } else if (record.what == What::accepted && detached.contains(record.id)) {
                jobs.push_back(record.number("job"));
            } else if (record.what == What::wait) {
                waits[record.id] = record.number("job");
            } else if ((record.what == What::result || record.what == What::refused) &&
                       waits.contains(record.id) && record.text("code") != error_code::busy) {
                std::erase(jobs, waits[record.id]);
            }
        });
    }
    return jobs;
}

ChaosClient::ChaosClient(const ClientOptions& options)
    : options_(options),
      dice_(options.seed * 1'000'003 + options.seat * std::uint64_t{1009} + options.generation),
      history_(history_path(options.directory, options.seat, options.generation))
{
    std::vector<std::string> before;
    for (unsigned i = 0; i < options.generation; ++i) {
        before.push_back(history_path(options.directory, options.seat, i));
    }
    for (const std::uint64_t job : unread_jobs(before)) {
        owed_.push_back(job);
    }
}

bool ChaosClient::time_is_over() const
{
    return now_ns() >= options_.deadline || history_.size() >= most_history;
}

std::string ChaosClient::new_id()
{
    return session_id_ + '.' + std::to_string(++ids_);
}

void ChaosClient::run()
{
    while (!time_is_over()) {
        run_session();
    }
}

void ChaosClient::run_session()
{
    session_id_ = std::to_string(options_.seat) + '-' + std::to_string(options_.generation) + '.' +
                  std::to_string(++sessions_);
    ids_ = 0;
    over_ = false;
    open_.clear();
    const bool json = dice_.one_in(2);
    history_.add(What::session, session_id_, {{"spelling", json ? "json" : "frames"}});
    try {
        json_ = nullptr;
        if (json) {
            auto session = std::make_unique<JsonSession>(options_.socket);
            json_ = session.get();
            session_ = std::move(session);
        } else {
            session_ = library_session(options_.socket);
        }
        converse();
    } catch (const std::exception& error) {
        history_.add(What::broken, session_id_, {{"text", error.what()}});
        pause(100);
    }
    session_.reset();
}

void ChaosClient::converse()
{
    const std::int64_t end =
        std::min(options_.deadline,
                 now_ns() + static_cast<std::int64_t>(dice_.between(20, 1500)) * milliseconds);
    while (now_ns() < end && !time_is_over()) {
        submit_some();
        wait_for_some();
        cancel_some();
        if (dice_.one_in(200)) {
            pause(dice_.below(200));  // a client that does not read for a while
        }
        listen(Milliseconds{dice_.between(1, 20)});
        if (over_) {
            throw std::runtime_error{"the daemon ended the session"};
        }
    }
    finish_session();
}

void ChaosClient::finish_session()
{
    const bool last = now_ns() >= options_.deadline;
    if (!last && dice_.one_in(4)) {
        history_.add(What::vanish, session_id_);
        session_->vanish();
        for (const auto& [id, job] : open_) {
            if (job.wait) {
                owed_.push_back(job.number);
            }
        }
        return;
    }
    const std::int64_t deadline = now_ns() + patience;
    const bool half_closes =
        dice_.one_in(3) && std::none_of(open_.begin(), open_.end(),
                                        [](const auto& each) { return each.second.endless; });
    if (half_closes) {
        history_.add(What::half_close, session_id_);
        session_->half_close();
    }
    while (half_closes ? !over_ : !open_.empty()) {
        // What has not come by now never will: that it is missing will be seen.
        if (now_ns() > deadline) {
            break;
        }
        if (!half_closes) {
            cancel_some();
        }
        listen(Milliseconds{20});
        if (over_ && !half_closes) {
            throw std::runtime_error{"the daemon ended the session"};
        }
    }
    history_.add(What::end, session_id_);
}

// ---- what it asks -------------------------------------------------------------------------------

void ChaosClient::submit_some()
{
    for (std::uint64_t count = dice_.below(6); count > 0 && open_.size() < most_open; --count) {
        if (json_ != nullptr && is_open(options_.gates, "submit_many") && dice_.one_in(10)) {
            submit_many();
        } else {
            submit_one();
        }
    }
}

void ChaosClient::choose_batch(RandomJob& job)
{
    // Those that cannot end well would halt every batch at once.
    if (!is_open(options_.gates, "batch") || job.endless() || !dice_.one_in(8)) {
        return;
    }
    const bool halts = is_open(options_.gates, "halt") && dice_.one_in(2);
    job.batch = session_id_ + (halts ? ".halting" : ".batch");
    job.options.batch = job.batch;
    if (halts) {
        job.halt = "now,fail=2";
        job.options.halt = job.halt;
    }
}

void ChaosClient::note_submit(const std::string& id, const RandomJob& job)
{
    history_.add(What::submit, id, job.facts());
    Open& open = open_[id];
    open.detached = job.detached;
    open.endless = job.endless();
    if (job.endless() || dice_.one_in(20)) {
        open.cancel_at = now_ns() + static_cast<std::int64_t>(dice_.below(30)) * milliseconds;
    }
}

void ChaosClient::submit_one()
{
    RandomJob job = random_job(dice_, options_.gates);
    choose_batch(job);
    const std::string id = new_id();
    note_submit(id, job);
    session_->submit(id, job);
}

void ChaosClient::submit_many()
{
    RandomJob job = random_job(dice_, options_.gates);
    if (job.endless() || job.payload.size() > 1000) {
        return;
    }
    job.detached = false;  // one that nobody knows could not be told from another by its label
    std::vector<std::string> ids;
    for (std::uint64_t count = dice_.between(1, 8); count > 0; --count) {
        ids.push_back(new_id());
        note_submit(ids.back(), job);
        open_[ids.back()].group = ids.front();
    }
    json_->submit_many(ids, job);
}

void ChaosClient::cancel_some()
{
    const std::int64_t now = now_ns();
    for (auto& [id, job] : open_) {
        if (job.cancel_at != 0 && job.cancel_at <= now) {
            // A cancel may find nothing to cancel; what never ends by itself is asked again.
            job.cancel_at = job.endless ? now + 500 * milliseconds : 0;
            cancel(id, job);
        }
    }
    if (dice_.one_in(20'000)) {
        const std::string request = new_id();
        history_.add(What::cancel_all, request);
        session_->cancel_all(request);
    }
    if (json_ != nullptr && is_open(options_.gates, "batch") && dice_.one_in(300)) {
        const std::string batch = session_id_ + ".batch";
        history_.add(What::cancel_batch, session_id_, {{"batch", batch}});
        json_->cancel_batch(new_id(), batch);
    }
}

void ChaosClient::cancel(const std::string& id, Open& job)
{
    if (job.wait || (job.accepted && dice_.one_in(3))) {
        const std::string request = new_id();
        history_.add(What::cancel_job, request, {{"job", std::to_string(job.number)}});
        session_->cancel_job(request, job.number);
    } else {
        history_.add(What::cancel, id);
        session_->cancel(id);
    }
}

void ChaosClient::wait_for_some()
{
    while (!owed_.empty() && open_.size() < 2 * most_open && !dice_.one_in(3)) {
        const std::uint64_t number = owed_.front();
        owed_.pop_front();
        const std::string id = new_id();
        history_.add(What::wait, id, {{"job", std::to_string(number)}});
        Open& wait = open_[id];
        wait.wait = true;
        wait.accepted = true;
        wait.number = number;
        if (dice_.one_in(20)) {
            wait.cancel_at = now_ns();
        }
        session_->wait(id, number);
    }
}

// ---- what it hears ------------------------------------------------------------------------------

void ChaosClient::listen(std::chrono::milliseconds time)
{
    constexpr int most = 100;
    for (int i = 0; i < most && !over_; ++i) {
        auto heard = session_->next(i == 0 ? time : Milliseconds{0});
        if (!heard) {
            return;
        }
        hear(std::move(*heard));
    }
}

void ChaosClient::hear(Heard heard)
{
    const auto found = open_.find(heard.id);
    const std::string number = std::to_string(heard.job);
    switch (heard.what) {
        case What::end:
            over_ = true;
            return;
        case What::broken:
            throw std::runtime_error{"the daemon says " + heard.code + ": " + heard.text};
        case What::refused:
            return hear_refusal(heard);
        case What::accepted:
            history_.add(What::accepted, heard.id, {{"job", number}});
            if (found != open_.end()) {
                found->second.accepted = true;
                found->second.number = heard.job;
                if (found->second.detached) {
                    owed_.push_back(heard.job);
                    open_.erase(found);
                }
            }
            return;
        case What::result: {
            Facts facts{{"job", number},
                        {"state", heard.state},
                        {"digest", digest_of(heard.payload)},
                        {"attempt", std::to_string(heard.attempt)},
                        {"workers", heard.workers}};
            if (heard.state != "succeeded") {
                facts.insert(facts.end(), {{"kind", heard.kind},
                                           {"signal", heard.signal},
                                           {"text", heard.text},
                                           {"poison", heard.poison ? "1" : ""}});
            }
            if (found != open_.end()) {
                facts.emplace_back("chunks", found->second.chunks.text());
                open_.erase(found);
            }
            if (heard.attempt > 1) {
                facts.emplace_back("kills", std::to_string(heard.kills));
            }
            history_.add(What::result, heard.id, std::move(facts));
            return;
        }
        default:
            if (heard.what == What::chunk && found != open_.end()) {
                found->second.chunks.add(heard.payload);
            }
            history_.add(heard.what, heard.id);
            return;
    }
}

void ChaosClient::hear_refusal(const Heard& heard)
{
    const auto found = open_.find(heard.id);
    // Beside submits and waits, it may be a cancel that has come too late.
    if (found == open_.end() || (found->second.accepted && !found->second.wait)) {
        return;
    }
    if (found->second.wait && heard.code == error_code::busy) {
        owed_.push_back(found->second.number);
    }
    const Facts facts{{"code", heard.code}, {"text", heard.text}};
    history_.add(What::refused, heard.id, facts);
    open_.erase(found);
    // Of jobs in one message all are refused or none, and the first is told.
    std::erase_if(open_, [&](const auto& each) {
        const bool refused = each.second.group == heard.id;
        if (refused) {
            history_.add(What::refused, each.first, facts);
        }
        return refused;
    });
}

}  // namespace jobmill::chaos
