// SPDX-License-Identifier: MIT
// Handlers in C++20, header-only above <jobmill/module.h>:
//
//     #include <jobmill/handler.hpp>
//
//     static std::string shout(jobmill::Job& job)
//     {
//         std::string text{job.payload()};
//         for (char& c : text) c = static_cast<char>(std::toupper(c));
//         return text;
//     }
//
//     JOBMILL_MODULE("shouting", {"shout", "the payload in capitals", shout})
//
// A handler is a function of a Job& that returns nothing or the result as a std::string. An
// exception that leaves it is the job's failure, with its what().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <jobmill/module.h>

namespace jobmill {

/// What a handler throws to say how its job failed. Any other exception does for an error.
class Failure : public std::runtime_error {
public:
    explicit Failure(const std::string& text) : std::runtime_error(text) {}

    /// A command left with this code.
    [[nodiscard]] static Failure exit(int code, const std::string& text)
    {
        return {JOBMILL_FAILURE_EXIT, text, code, 0, false};
    }
    /// A command died of this signal.
    [[nodiscard]] static Failure signal(int signal_number, bool core_dumped,
                                        const std::string& text)
    {
        return {JOBMILL_FAILURE_SIGNAL, text, 0, signal_number, core_dumped};
    }
    /// A command could not be started: 127 when it was not found, else 126.
    [[nodiscard]] static Failure exec(int code, const std::string& text)
    {
        return {JOBMILL_FAILURE_EXEC, text, code, 0, false};
    }

    [[nodiscard]] jobmill_failure as_c() const noexcept
    {
        const std::string_view text{what()};
        return {
            sizeof(jobmill_failure), kind_, {text.data(), text.size()}, exit_code_, signal_number_,
            core_dumped_ ? 1 : 0};
    }

private:
    Failure(int kind, const std::string& text, int exit_code, int signal_number, bool core_dumped)
        : std::runtime_error(text),
          kind_(kind),
          exit_code_(exit_code),
          signal_number_(signal_number),
          core_dumped_(core_dumped)
    {
    }

    int kind_ = JOBMILL_FAILURE_ERROR;
    int exit_code_ = 0;
    int signal_number_ = 0;
    bool core_dumped_ = false;
};

/// The running job, for one call of a handler. Views that it answers are valid until the handler
/// returns.
class Job {
public:
    enum class Stream : int {
        none = JOBMILL_STREAM_NONE,
        out = JOBMILL_STREAM_OUT,
        err = JOBMILL_STREAM_ERR
    };

    Job(jobmill_job* job, const jobmill_api* api) noexcept : job_(job), api_(api) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// The payload as text. A large one is shared memory that its sender may still change.
    [[nodiscard]] std::string_view payload() const
    {
        const jobmill_bytes bytes = api_->payload(job_);
        return {bytes.data, bytes.size};
    }
    [[nodiscard]] std::span<const std::byte> bytes() const
    {
        return std::as_bytes(std::span{payload()});
    }
    /// The memfd of a large payload, not to be closed; none when it came inline. It may be longer
    /// than the payload: what lies behind that is nobody's to read.
    [[nodiscard]] std::optional<int> payload_descriptor() const
    {
        const int descriptor = api_->payload_descriptor(job_);
        return descriptor < 0 ? std::nullopt : std::optional<int>{descriptor};
    }

    /// What it reads beside its payload: its client has put it once, for many jobs.
    [[nodiscard]] std::size_t input_count() const
    {
        return api_->size >= JOBMILL_API_SIZE_INPUTS ? api_->input_count(job_) : 0;
    }
    /// As bytes(), from 0. A missing one is a failure.
    [[nodiscard]] std::span<const std::byte> input(std::size_t index) const
    {
        check_input(index);
        const jobmill_bytes bytes = api_->input(job_, index);
        return std::as_bytes(std::span{bytes.data, bytes.size});
    }
    /// Its memfd, not to be closed.
    [[nodiscard]] int input_descriptor(std::size_t index) const
    {
        check_input(index);
        return api_->input_descriptor(job_, index);
    }

    /// An argument. Without a fallback a missing one is a failure; a wrong type always is.
    [[nodiscard]] std::string_view text(const char* name) const
    {
        return needed(name, optional_text(name));
    }
    [[nodiscard]] std::string_view text(const char* name, std::string_view fallback) const
    {
        return optional_text(name).value_or(fallback);
    }
    [[nodiscard]] std::optional<std::string_view> optional_text(const char* name) const
    {
        jobmill_bytes found{};
        return there(name, api_->text(job_, name, &found), "text")
                   ? std::optional{std::string_view{found.data, found.size}}
                   : std::nullopt;
    }
    [[nodiscard]] std::int64_t integer(const char* name) const
    {
        return needed(name, optional_integer(name));
    }
    [[nodiscard]] std::int64_t integer(const char* name, std::int64_t fallback) const
    {
        return optional_integer(name).value_or(fallback);
    }
    [[nodiscard]] std::optional<std::int64_t> optional_integer(const char* name) const
    {
        std::int64_t found = 0;
        return there(name, api_->integer(job_, name, &found), "an integer") ? std::optional{found}
                                                                            : std::nullopt;
    }
    [[nodiscard]] double real(const char* name, std::optional<double> fallback = {}) const
    {
        double found = 0;
        const bool is_there = there(name, api_->real(job_, name, &found), "a number");
        return is_there ? found : needed(name, fallback);
    }
    [[nodiscard]] bool flag(const char* name) const
    {
        int found = 0;
        (void)there(name, api_->boolean(job_, name, &found), "true or false");
        return found != 0;
    }
    /// A list of texts; none when there is no such argument.
    [[nodiscard]] std::optional<std::vector<std::string_view>> texts(const char* name) const
    {
        std::size_t size = 0;
        if (!there(name, api_->list_size(job_, name, &size), "a list")) {
            return std::nullopt;
        }
        std::vector<std::string_view> all;
        for (std::size_t i = 0; i < size; ++i) {
            jobmill_bytes found{};
            (void)there(name, api_->list_text(job_, name, i, &found), "a list of texts");
            all.emplace_back(found.data, found.size);
        }
        return all;
    }

    /// All arguments: a MessagePack map with text keys, as it came; empty when there are none.
    [[nodiscard]] std::string_view arguments() const
    {
        if (api_->size < JOBMILL_API_SIZE_ARGUMENTS) {
            return {};
        }
        const jobmill_bytes bytes = api_->arguments(job_);
        return {bytes.data, bytes.size};
    }

    /// Sends a partial result now.
    void emit(std::string_view chunk, Stream stream = Stream::none)
    {
        check(api_->emit(job_, static_cast<int>(stream), chunk.data(), chunk.size()), "a chunk");
    }
    void emit(std::span<const std::byte> chunk) { emit(text_of(chunk)); }

    /// Says how far the job is; `total` 0 means unknown. Costs no system call.
    void progress(std::uint64_t done, std::uint64_t total, const char* note = nullptr)
    {
        api_->progress(job_, done, total, note);
    }

    /// Shows that the job lives, as its start, emit(), progress() and cancelled() do: for pools
    /// with a hang_timeout, in which a job that shows none for so long is killed. Costs no system
    /// call.
    void alive() const
    {
        // An older worker takes the question for a sign of life.
        if (api_->size >= JOBMILL_API_SIZE_ALIVE) {
            api_->alive(job_);
        } else {
            (void)cancelled();
        }
    }

    /// Whether the job should stop; then leave soon, by an exception unless the result is whole.
    [[nodiscard]] bool cancelled() const { return api_->cancelled(job_) != 0; }
    void stop_if_cancelled() const
    {
        if (cancelled()) {
            throw Failure{"cancelled"};
        }
    }

    /// Sets the result, which replaces any set before.
    void result(std::string_view result)
    {
        check(api_->result(job_, result.data(), result.size()), "the result");
    }
    void result(std::span<const std::byte> result) { this->result(text_of(result)); }
    /// Writable zero bytes that are the result: a large one is made in place, without a copy.
    [[nodiscard]] std::span<std::byte> result_blob(std::size_t size)
    {
        void* data = nullptr;
        check(api_->result_reserve(job_, size, &data), "the result");
        return {static_cast<std::byte*>(data), size};
    }
    /// The payload itself is the result.
    void result_is_payload() { check(api_->result_payload(job_), "the result"); }

private:
    template <typename Bytes>
    [[nodiscard]] static std::string_view text_of(Bytes bytes) noexcept
    {
        const void* data = bytes.data();
        return {static_cast<const char*>(data), bytes.size()};
    }
    [[nodiscard]] static bool there(const char* name, int answer, const char* want)
    {
        if (answer != JOBMILL_OK && answer != JOBMILL_ABSENT) {
            throw Failure{"argument \"" + std::string{name} + "\": want " + want};
        }
        return answer == JOBMILL_OK;
    }
    template <typename T>
    [[nodiscard]] static T needed(const char* name, std::optional<T> found)
    {
        if (!found) {
            throw Failure{"argument \"" + std::string{name} + "\" is missing"};
        }
        return *found;
    }
    void check_input(std::size_t index) const
    {
        if (index >= input_count()) {
            throw Failure{"input " + std::to_string(index) + " is missing"};
        }
    }
    static void check(int answer, const char* what)
    {
        if (answer != JOBMILL_OK) {
            throw Failure{
                std::string{answer == JOBMILL_INVALID ? "too large: " : "no memory for "} + what};
        }
    }

    jobmill_job* job_;
    const jobmill_api* api_;
};

/// A handler as JOBMILL_MODULE lists it.
struct Handler {
    constexpr Handler(const char* its_name, const char* its_help, void (*its_run)(Job&)) noexcept
        : name(its_name), help(its_help), run(its_run)
    {
    }
    constexpr Handler(const char* its_name, const char* its_help,
                      std::string (*its_answer)(Job&)) noexcept
        : name(its_name), help(its_help), answer(its_answer)
    {
    }

    const char* name;
    const char* help;
    void (*run)(Job&) = nullptr;
    std::string (*answer)(Job&) = nullptr;
};

namespace module_detail {

inline int run(jobmill_job* c_job, const jobmill_api* api, void* context)
{
    Job job{c_job, api};
    const auto* handler = static_cast<const Handler*>(context);
    try {
        if (handler->run != nullptr) {
            handler->run(job);
        } else {
            job.result(handler->answer(job));
        }
        return 0;
    } catch (const Failure& failure) {
        const jobmill_failure c_failure = failure.as_c();
        api->fail_with(c_job, &c_failure);
    } catch (const std::exception& error) {
        api->fail(c_job, error.what());
    } catch (...) {
        api->fail(c_job, "unknown exception");
    }
    return 1;
}

/// The C table of handlers that live as long as the process.
inline std::vector<jobmill_handler> as_c(std::span<Handler> handlers)
{
    std::vector<jobmill_handler> table;
    table.reserve(handlers.size());
    for (Handler& handler : handlers) {
        table.push_back({handler.name, handler.help, &run, &handler});
    }
    return table;
}

inline jobmill_module describe(const char* name, std::span<const jobmill_handler> handlers) noexcept
{
    return {JOBMILL_ABI_VERSION,
            sizeof(jobmill_module),
            name,
            sizeof(jobmill_handler),
            static_cast<std::uint32_t>(handlers.size()),
            handlers.data()};
}

}  // namespace module_detail
}  // namespace jobmill

/// Once a module: its name, then {name, help, function} of each handler.
#define JOBMILL_MODULE(module_name, ...)                                                           \
    extern "C" JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void)                        \
    {                                                                                              \
        static jobmill::Handler handlers[] = {__VA_ARGS__};                                        \
        static const auto table = jobmill::module_detail::as_c(handlers);                          \
        static const jobmill_module module = jobmill::module_detail::describe(module_name, table); \
        return &module;                                                                            \
    }
