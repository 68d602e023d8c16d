// SPDX-License-Identifier: MIT
#include "tests/chaos/collector.hpp"

#include <poll.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "jobmill/error_code.hpp"
#include "tests/chaos/chaos_client.hpp"

namespace jobmill::chaos {
namespace {

using Milliseconds = std::chrono::milliseconds;

class Collector {
public:
    explicit Collector(const Collection& what)
        : session_(what.socket), history_(what.history), owed_(unread_jobs(what.histories))
    {
    }

    void run()
    {
        history_.add(What::session, "collector");
        try {
            const std::int64_t deadline = now_ns() + 60'000'000'000;
            read_owed(deadline);
            while (find_others()) {
                read_owed(deadline);
            }
            history_.add(What::end, "collector");
        } catch (const std::exception& error) {
            history_.add(What::broken, "collector", {{"text", error.what()}});
        }
    }

private:
    void wait(std::uint64_t job)
    {
        const std::string id = "collector." + std::to_string(++ids_);
        history_.add(What::wait, id, {{"job", std::to_string(job)}});
        waits_[id] = {job, {}};
        session_.wait(id, job);
    }

    void read_owed(std::int64_t deadline)
    {
        constexpr std::size_t most_at_once = 100;
        while (!owed_.empty() || !waits_.empty()) {
            for (; !owed_.empty() && waits_.size() < most_at_once; owed_.pop_back()) {
                wait(owed_.back());
            }
            if (const auto heard = session_.next(Milliseconds{100})) {
                hear(*heard);
            }
            if (now_ns() > deadline) {
                throw std::runtime_error{"detached jobs do not end, one is " +
                                         std::to_string(waits_.begin()->second.job)};
            }
        }
    }

    void hear(const Heard& heard)
    {
        if (heard.what == What::end || heard.what == What::broken) {
            throw std::runtime_error{"the daemon ended the session: " + heard.text};
        }
        const auto found = waits_.find(heard.id);
        if (found == waits_.end()) {
            return;
        }
        Reading& reading = found->second;
        if (heard.what == What::chunk) {
            reading.chunks.add(heard.payload);
        } else if (heard.what == What::result) {
            history_.add(What::result, heard.id,
                         {{"job", std::to_string(heard.job)},
                          {"state", heard.state},
                          {"digest", digest_of(heard.payload)},
                          {"chunks", reading.chunks.text()},
                          {"attempt", std::to_string(heard.attempt)},
                          {"kills", std::to_string(heard.kills)},
                          {"kind", heard.kind},
                          {"signal", heard.signal},
                          {"text", heard.text},
                          {"workers", heard.workers},
                          {"poison", heard.poison ? "1" : ""}});
            waits_.erase(found);
        } else if (heard.what == What::refused) {
            history_.add(What::refused, heard.id, {{"code", heard.code}});
            if (heard.code == error_code::busy) {
                // Its last reader is gone and the daemon has not noticed yet.
                (void)::poll(nullptr, 0, 10);
                owed_.push_back(reading.job);
            }
            waits_.erase(found);
        }
    }

    /// Whether status lists jobs that were not asked for yet.
    bool find_others()
    {
        const Value status = session_.status();
        bool any = false;
        for (const Value& job : list_at(status, "jobs")) {
            const Value* detached = job.find("detached");
            const std::string number{job.text_at("job")};
            if (detached != nullptr && std::get<bool>(*detached) && found_.insert(number).second) {
                history_.add(What::found, job.text_at("label"), {{"job", number}});
                owed_.push_back(std::stoull(number));
                any = true;
            }
        }
        return any;
    }

    struct Reading {
        std::uint64_t job = 0;
        Digest chunks{};
    };

    JsonSession session_;
    HistoryWriter history_;
    std::vector<std::uint64_t> owed_;
    unsigned ids_ = 0;
    std::unordered_map<std::string, Reading> waits_;
    std::unordered_set<std::string> found_;
};

}  // namespace

void collect(const Collection& what)
{
    Collector{what}.run();
}

}  // namespace jobmill::chaos
