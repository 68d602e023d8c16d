// SPDX-License-Identifier: MIT
// What both clients have done, whatever loop they are on: more sums than the daemon gives credit
// for at once, a sleep that is cancelled, a job that crashes its worker; and the judgement of it
// all.
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include <jobmill/client.hpp>

class Errand {
public:
    explicit Errand(jobmill::Client& client) : client_(client) {}

    /// Submits what the daemon takes without waiting.
    void submit()
    {
        while (submitted_ < sums_ + 3 && client_.can_submit(8)) {
            jobmill::NewJob job{.handler = "sum", .payload = jobmill::bytes_of("100")};
            if (submitted_ == 0) {
                job = {.handler = "sleep", .payload = jobmill::bytes_of("1h"), .started = true};
            } else if (submitted_ == 1) {
                job = {.handler = "cpp.fault"};
            } else if (submitted_ == 2) {
                job.payload = jobmill::bytes_of("c-adler");
                job.handler = "c.adler32";
            }
            const auto tag = client_.submit(job);
            if (!tag) {
                complain(tag.error().what);
                return;
            }
            if (submitted_ == 0) {
                sleeper_ = *tag;
            } else if (submitted_ == 1) {
                crasher_ = *tag;
            }
            ++submitted_;
        }
    }

    void take(const jobmill::ClientEvent& event)
    {
        if (const auto* result = std::get_if<jobmill::event::JobResult>(&event)) {
            judge(*result);
        } else if (const auto* refused = std::get_if<jobmill::event::JobError>(&event)) {
            complain("refused: " + refused->error.text);
        }
        // The sleeper holds one of two workers until everybody else is done.
        if (succeeded_ == sums_ + 1 && crashed_ && !std::exchange(cancelling_, true)) {
            if (const auto asked = client_.cancel(sleeper_); !asked) {
                complain("cancel: " + asked.error().what);
            }
        }
    }

    void complain(const std::string& what)
    {
        (void)std::fprintf(stderr, "%s\n", what.c_str());
        wrong_ = true;
    }

    [[nodiscard]] bool finished() const { return cancelled_ || wrong_; }
    [[nodiscard]] bool good() const
    {
        return !wrong_ && cancelled_ && crashed_ && client_.unfinished() == 0;
    }

private:
    void judge(const jobmill::event::JobResult& result)
    {
        using jobmill::JobState;
        const std::string text{jobmill::text_of(result.payload)};
        if (result.tag == sleeper_) {
            cancelled_ = result.state == JobState::cancelled && cancelling_;
            if (!cancelled_) {
                complain("the sleeper was not cancelled");
            }
        } else if (result.tag == crasher_) {
            crashed_ = result.state == JobState::crashed && result.cause->signal == "SIGSEGV";
            if (!crashed_) {
                complain("the crash is told as " + result.cause->kind + " " + result.cause->signal);
            }
        } else if (result.state == JobState::succeeded && (text == "5050" || text == "09bf0299")) {
            ++succeeded_;
        } else {
            complain("a sum is " + std::string{name_of(result.state)} + ": " + text +
                     result.cause->text);
        }
    }

    static constexpr int sums_ = 3000;
    jobmill::Client& client_;
    jobmill::Tag sleeper_{};
    jobmill::Tag crasher_{};
    int submitted_ = 0;
    int succeeded_ = 0;
    bool crashed_ = false;
    bool cancelling_ = false;
    bool cancelled_ = false;
    bool wrong_ = false;
};
