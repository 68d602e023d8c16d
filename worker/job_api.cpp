// SPDX-License-Identifier: MIT
// The C face of a JobRun. What a module gives is judged here; nothing here throws into it.
#include "worker/job_api.hpp"

#include <cstring>
#include <exception>

#include "worker/job_run.hpp"

namespace jobmill {
namespace {

JobRun& run_of(jobmill_job* job) noexcept
{
    return *static_cast<JobRun*>(job);
}

/// Answers what `call` answers; whatever it throws is want of memory.
template <typename Call>
int guarded(Call call) noexcept
{
    try {
        return call();
    } catch (...) {
        return JOBMILL_NO_MEMORY;
    }
}

/// Whether the job could have the room that it asked for.
template <typename T>
int answer(const Result<T>& room) noexcept
{
    if (room) {
        return JOBMILL_OK;
    }
    return room.error().code == Errc::invalid ? JOBMILL_INVALID : JOBMILL_NO_MEMORY;
}

ByteView view_of(const void* data, std::size_t size) noexcept
{
    return {static_cast<const std::byte*>(data), size};
}

jobmill_bytes c_bytes(std::string_view text) noexcept
{
    return {text.data(), text.size()};
}

jobmill_bytes payload(jobmill_job* job)
{
    return c_bytes(text_of(run_of(job).payload()));
}

int payload_descriptor(jobmill_job* job)
{
    return run_of(job).payload_descriptor();
}

// How a value becomes what a handler asked for; false: it is something else.

bool convert(const Value& value, jobmill_bytes& to)
{
    const std::string* text = value.text();
    to = text == nullptr ? jobmill_bytes{} : c_bytes(*text);
    return text != nullptr;
}

bool convert(const Value& value, std::int64_t& to)
{
    const std::int64_t* integer = value.integer();
    to = integer == nullptr ? 0 : *integer;
    return integer != nullptr;
}

bool convert(const Value& value, double& to)
{
    if (const auto* real = std::get_if<double>(&value); real != nullptr) {
        to = *real;
        return true;
    }
    std::int64_t integer = 0;
    const bool converted = convert(value, integer);
    to = static_cast<double>(integer);
    return converted;
}

bool convert(const Value& value, int& to)
{
    const auto* truth = std::get_if<bool>(&value);
    to = truth != nullptr && *truth ? 1 : 0;
    return truth != nullptr;
}

bool convert(const Value& value, std::size_t& to)
{
    const Array* list = value.array();
    to = list == nullptr ? 0 : list->size();
    return list != nullptr;
}

template <typename T>
int converted(const Value* value, T* to)
{
    if (value == nullptr || std::holds_alternative<std::monostate>(*value)) {
        return JOBMILL_ABSENT;
    }
    return convert(*value, *to) ? JOBMILL_OK : JOBMILL_WRONG_TYPE;
}

template <typename T>
int argument(jobmill_job* job, const char* name, T* to)
{
    if (name == nullptr || to == nullptr) {
        return JOBMILL_INVALID;
    }
    return guarded([&] { return converted(run_of(job).argument(name), to); });
}

template <typename T>
int element(jobmill_job* job, const char* name, std::size_t index, T* to)
{
    if (name == nullptr || to == nullptr) {
        return JOBMILL_INVALID;
    }
    return guarded([&]() -> int {
        const Value* value = run_of(job).argument(name);
        if (value == nullptr) {
            return JOBMILL_ABSENT;
        }
        const Array* list = value->array();
        if (list == nullptr) {
            return JOBMILL_WRONG_TYPE;
        }
        return converted(index < list->size() ? &(*list)[index] : nullptr, to);
    });
}

int emit(jobmill_job* job, int stream, const void* data, std::size_t size)
{
    if (stream < JOBMILL_STREAM_NONE || stream > JOBMILL_STREAM_ERR ||
        (data == nullptr && size > 0)) {
        return JOBMILL_INVALID;
    }
    return guarded([&]() -> int {
        return answer(run_of(job).emit(static_cast<Stream>(stream), view_of(data, size)));
    });
}

void progress(jobmill_job* job, std::uint64_t done, std::uint64_t total, const char* note)
{
    const std::string_view text = note == nullptr ? std::string_view{} : note;
    run_of(job).progress(done, total, text);
}

void alive(jobmill_job* job)
{
    run_of(job).show_life();
}

int cancelled(jobmill_job* job)
{
    return run_of(job).cancelled() ? 1 : 0;
}

int result(jobmill_job* job, const void* data, std::size_t size)
{
    if (data == nullptr && size > 0) {
        return JOBMILL_INVALID;
    }
    return guarded([&]() -> int { return answer(run_of(job).set_result(view_of(data, size))); });
}

int result_reserve(jobmill_job* job, std::size_t size, void** data)
{
    if (data == nullptr) {
        return JOBMILL_INVALID;
    }
    return guarded([&]() -> int {
        const auto lent = run_of(job).reserve_result(size);
        *data = lent ? lent->data() : nullptr;
        return answer(lent);
    });
}

int result_payload(jobmill_job* job)
{
    return guarded([&]() -> int {
        run_of(job).set_result_to_payload();
        return JOBMILL_OK;
    });
}

void fail_with(jobmill_job* job, const jobmill_failure* failure)
{
    jobmill_failure whole{};
    std::memcpy(&whole, failure, std::min<std::size_t>(failure->size, sizeof whole));
    if (whole.text.data == nullptr) {
        whole.text = {};
    }
    (void)guarded([&]() -> int {
        run_of(job).fail(whole);
        return JOBMILL_OK;
    });
}

void fail(jobmill_job* job, const char* text)
{
    jobmill_failure failure{};
    failure.size = sizeof failure;
    failure.text = c_bytes(text == nullptr ? std::string_view{} : text);
    fail_with(job, &failure);
}

jobmill_bytes arguments(jobmill_job* job)
{
    return c_bytes(text_of(run_of(job).arguments()));
}

std::size_t input_count(jobmill_job* job)
{
    return run_of(job).input_count();
}

jobmill_bytes input(jobmill_job* job, std::size_t index)
{
    return c_bytes(text_of(run_of(job).input(index)));
}

int input_descriptor(jobmill_job* job, std::size_t index)
{
    return run_of(job).input_descriptor(index);
}

}  // namespace

const jobmill_api& job_api() noexcept
{
    static const jobmill_api table{JOBMILL_ABI_VERSION,
                                   sizeof(jobmill_api),
                                   payload,
                                   payload_descriptor,
                                   argument<jobmill_bytes>,
                                   argument<std::int64_t>,
                                   argument<double>,
                                   argument<int>,
                                   argument<std::size_t>,
                                   element<jobmill_bytes>,
                                   element<std::int64_t>,
                                   emit,
                                   progress,
                                   cancelled,
                                   result,
                                   result_reserve,
                                   result_payload,
                                   fail,
                                   fail_with,
                                   alive,
                                   arguments,
                                   input_count,
                                   input,
                                   input_descriptor};
    return table;
}

}  // namespace jobmill
