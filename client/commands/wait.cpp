// SPDX-License-Identifier: MIT
// wait: the events of detached jobs. One job's output is shown as it comes; that of several jobs is
// shown job by job, as they end.
#include <unordered_map>

#include "client/commands/ended_jobs.hpp"
#include "client/commands/follow.hpp"
#include "client/commands/job_output.hpp"
#include "client/commands/json_output.hpp"
#include "client/commands/listener.hpp"
#include "client/commands/notice.hpp"
#include "client/commands/outcome.hpp"
#include "client/commands/session.hpp"
#include "common/exit_code.hpp"

namespace jobmill::commands {
namespace {

struct Waited {
    JobId job{};
    JobOutput output;
};

class Waiter {
public:
    Waiter(Client& client, const CommonOptions& common) : client_(client), common_(common) {}

    [[nodiscard]] Result<void> add(JobId job)
    {
        JOBMILL_TRY_ASSIGN(const Tag tag, client_.wait_job(job));
        jobs_[number(tag)].job = job;
        return {};
    }

    [[nodiscard]] int wait()
    {
        while (!jobs_.empty()) {
            const auto event = next_event(client_);
            if (!event) {
                return failed(event.error());
            }
            if (!*event) {
                return abandoned_exit_code();
            }
            const Result<bool> written = on(**event);
            if (!written) {
                return failed(written.error());
            }
            if (!*written) {
                return abandoned_exit_code();
            }
        }
        return exit_code_;
    }

private:
    Result<bool> on(const ClientEvent& event)
    {
        const auto found = jobs_.find(number(tag_of(event)));
        if (found == jobs_.end()) {
            return true;
        }
        Waited& waited = found->second;
        bool written = true;
        if (common_.json) {
            written = print_json(event, std::to_string(number(waited.job)));
        } else if (const auto* chunk = std::get_if<event::Chunk>(&event)) {
            JOBMILL_TRY(waited.output.add(chunk->stream, chunk->payload));
        } else if (const auto* result = std::get_if<event::JobResult>(&event)) {
            JOBMILL_TRY(waited.output.add(Stream::out, result->payload));
            written = waited.output.print("");
        }
        if (!written) {
            tell_loss(event);
        }
        if (is_last(event)) {
            say_end(event, waited.job);
            jobs_.erase(found);
        }
        return written;
    }

    void say_end(const ClientEvent& event, JobId job)
    {
        if (const auto* result = std::get_if<event::JobResult>(&event)) {
            if (exit_code_of(*result) != exit_code::ok) {
                exit_code_ = exit_code::job_failed;
            }
            for (const std::string& line :
                 notices_of(*result, {.background = !common_.quiet, .attempts = !common_.quiet})) {
                notice(line);
            }
        } else if (const auto* error = std::get_if<event::JobError>(&event)) {
            exit_code_ = exit_code::job_failed;
            notice(std::to_string(number(job)) + ": " + text_of_error(error->error));
        }
    }

    Client& client_;
    const CommonOptions& common_;
    std::unordered_map<std::uint64_t, Waited> jobs_;
    int exit_code_ = exit_code::ok;
};

/// Prints one job's events; answers the exit code.
int print_job(Client& client, const CommonOptions& common, JobId job)
{
    const auto tag = client.wait_job(job);
    return tag ? follow(client, *tag, common, false).value_or(exit_code::jobmill_failed)
               : failed(tag.error());
}

/// Job by job as they end; those that had not when this leaves can be waited for again.
int wait_in_turn(Client& client, const CommonOptions& common, std::vector<JobId> jobs, bool any)
{
    EndedJobs ended{client, std::move(jobs)};
    int code = exit_code::ok;
    while (!ended.empty() && code == exit_code::ok) {
        const auto job = ended.next();
        if (!job) {
            return failed(job.error());
        }
        if (!*job) {
            return abandoned_exit_code();
        }
        code = print_job(client, common, **job);
        if (any) {
            break;
        }
    }
    return code;
}

}  // namespace

int wait(const CommonOptions& common, const WaitOptions& options)
{
    auto jobs = parse_jobs(options.ids);
    if (!jobs) {
        return misused(jobs.error());
    }
    const bool one_by_one = jobs->size() == 1 || options.until != WaitOptions::Until::all;
    auto client = open_session(common, one_by_one && !common.json);
    if (!client) {
        return gave_up(client.error());
    }
    if (jobs->size() == 1) {
        return print_job(*client, common, jobs->front());
    }
    if (one_by_one) {
        return wait_in_turn(*client, common, std::move(*jobs),
                            options.until == WaitOptions::Until::any);
    }
    Waiter waiter{*client, common};
    for (const JobId job : *jobs) {
        if (const auto added = waiter.add(job); !added) {
            return failed(added.error());
        }
    }
    return waiter.wait();
}

}  // namespace jobmill::commands
