// SPDX-License-Identifier: MIT
#include "common/json_cause.hpp"

#include "common/attempts.hpp"
#include "common/limits.hpp"
#include "common/utf8.hpp"

namespace jobmill::json {
namespace {

void write_text(JsonWriter& writer, std::string_view key, std::string_view text, std::size_t limit)
{
    if (!text.empty()) {
        writer.key(key).text(utf8_cut(text, limit));
    }
}

void write_flag(JsonWriter& writer, std::string_view key, bool value)
{
    if (value) {
        writer.key(key).boolean(true);
    }
}

void write_count(JsonWriter& writer, std::string_view key,
                 const std::optional<std::uint64_t>& value)
{
    if (value) {
        writer.key(key).unsigned_integer(*value);
    }
}

double milliseconds(std::uint64_t nanoseconds)
{
    return static_cast<double>(nanoseconds) / 1e6;
}

}  // namespace

void write_cause(JsonWriter& writer, const Cause& cause)
{
    writer.key("cause").begin_object();
    writer.key("kind").text(utf8_cut(cause.kind, limits::name));
    write_text(writer, "text", cause.text, limits::cause_text);
    if (cause.exit_code) {
        writer.key("exit_code").integer(*cause.exit_code);
    }
    if (!cause.signal.empty()) {
        writer.key("signal").text(utf8_cut(cause.signal, limits::name));
        writer.key("core").boolean(cause.core_dumped);
        writer.key("stderr").text(utf8_cut(cause.stderr_tail, limits::stderr_tail));
    } else {
        write_text(writer, "stderr", cause.stderr_tail, limits::stderr_tail);
    }
    write_text(writer, "last_words", cause.last_words, limits::cause_text);
    write_text(writer, "was", cause.was, limits::name);
    write_text(writer, "limit", cause.limit, limits::name);
    write_flag(writer, "oom", cause.out_of_memory);
    write_flag(writer, "poison", cause.poison);
    write_flag(writer, "stderr_shared", cause.stderr_shared);
    write_text(writer, "stack", cause.stack, limits::cause_text);
    write_count(writer, "done", cause.done);
    write_count(writer, "total", cause.total);
    write_text(writer, "note", cause.note, limits::progress_note);
    writer.end_object();
}

void write_course(JsonWriter& writer, const JobResult& result)
{
    if (result.attempt != 1) {
        writer.key("attempt").unsigned_integer(result.attempt);
    }
    if (!result.attempts.empty()) {
        writer.key("attempts").begin_array();
        for (const Attempt& attempt : newest(result.attempts)) {
            writer.begin_object().key("state").text(name_of(attempt.state));
            if (number(attempt.worker) != 0) {
                writer.key("worker").unsigned_integer(number(attempt.worker));
            }
            writer.key("run_ms").real(milliseconds(attempt.run_ns), 3);
            write_cause(writer, shortened(attempt).cause);
            writer.end_object();
        }
        writer.end_array();
    }
    if (result.usage.cpu_ns) {
        writer.key("cpu_ms").real(milliseconds(*result.usage.cpu_ns), 3);
    }
    write_count(writer, "peak_rss", result.usage.peak_rss);
    write_flag(writer, "approx", result.usage.approximate);
}

}  // namespace jobmill::json
