// SPDX-License-Identifier: MIT
// Why a job did not succeed, and what it took, in the metadata of a frame.
#include <array>
#include <string>

#include "common/attempts.hpp"
#include "common/limits.hpp"
#include "common/meta_fields.hpp"

namespace jobmill::meta {
namespace {

template <typename T>
struct Field {
    std::string_view name;
    T Cause::*member;
};

constexpr auto texts = std::to_array<Field<std::string>>({
    {"kind", &Cause::kind},
    {"text", &Cause::text},
    {"signal", &Cause::signal},
    {"stderr", &Cause::stderr_tail},
    {"last_words", &Cause::last_words},
    {"was", &Cause::was},
    {"limit", &Cause::limit},
    {"stack", &Cause::stack},
    {"note", &Cause::note},
});
constexpr auto flags = std::to_array<Field<bool>>({
    {"core", &Cause::core_dumped},
    {"oom", &Cause::out_of_memory},
    {"poison", &Cause::poison},
    {"stderr_shared", &Cause::stderr_shared},
});
constexpr auto counts = std::to_array<Field<std::optional<std::uint64_t>>>({
    {"done", &Cause::done},
    {"total", &Cause::total},
});

template <typename T>
const Field<T>* find(std::span<const Field<T>> fields, std::string_view key)
{
    for (const Field<T>& field : fields) {
        if (field.name == key) {
            return &field;
        }
    }
    return nullptr;
}

Decoded<void> take_attempt_member(std::string_view key, msgpack::Reader& reader, Attempt& attempt)
{
    if (key == "state") {
        return take(reader, key, attempt.state);
    }
    if (key == "worker") {
        std::optional<std::uint32_t> slot;
        auto taken = take(reader, key, slot);
        attempt.worker = SlotId{slot.value_or(0)};
        return taken;
    }
    if (key == "run_ns") {
        std::optional<std::uint64_t> run;
        auto taken = take(reader, key, run);
        attempt.run_ns = run.value_or(0);
        return taken;
    }
    return take_cause(key, reader, attempt.cause);
}

}  // namespace

Decoded<void> take(msgpack::Reader& reader, std::string_view key, JobState& to)
{
    std::string_view name;
    if (auto taken = take(reader, key, name); !taken) {
        return taken;
    }
    const auto state = job_state_of(name);
    if (!state || !is_terminal(*state)) {
        return bad_value(key, "not a terminal state");
    }
    to = *state;
    return {};
}

void add_cause(Builder& builder, const Cause& cause)
{
    builder.text("kind", cause.kind, limits::name)
        .text("text", cause.text, limits::cause_text)
        .number("exit_code", cause.exit_code)
        .text("signal", cause.signal, limits::name)
        .flag("core", cause.core_dumped)
        .text("stderr", cause.stderr_tail, limits::stderr_tail)
        .text("last_words", cause.last_words, limits::cause_text)
        .text("was", cause.was, limits::name)
        .text("limit", cause.limit, limits::name)
        .flag("oom", cause.out_of_memory)
        .flag("poison", cause.poison)
        .flag("stderr_shared", cause.stderr_shared)
        .text("stack", cause.stack, limits::cause_text)
        .number("done", cause.done)
        .number("total", cause.total)
        .text("note", cause.note, limits::progress_note);
}

Decoded<void> take_cause(std::string_view key, msgpack::Reader& reader, Cause& cause)
{
    if (const auto* text = find<std::string>(texts, key)) {
        return take(reader, key, cause.*text->member);
    }
    if (const auto* flag = find<bool>(flags, key)) {
        return take(reader, key, cause.*flag->member);
    }
    if (const auto* count = find<std::optional<std::uint64_t>>(counts, key)) {
        return take(reader, key, cause.*count->member);
    }
    return key == "exit_code" ? take(reader, key, cause.exit_code) : skip(reader, key);
}

Decoded<void> take_attempts(msgpack::Reader& reader, std::vector<Attempt>& attempts)
{
    const auto size = reader.array();
    if (!size) {
        return wrong_type("attempts", "a list of maps");
    }
    if (*size > limits::attempts) {
        return bad_value("attempts", "more than " + std::to_string(limits::attempts),
                         limits::attempts);
    }
    for (std::uint32_t i = 0; i < *size; ++i) {
        const bool is_map = reader.peek() == msgpack::Kind::map;
        const auto members = reader.skip();
        if (!is_map || !members) {
            return wrong_type("attempts", "a list of maps");
        }
        Attempt& attempt = attempts.emplace_back();
        auto taken = each(*members, [&](std::string_view key, msgpack::Reader& member) {
            return take_attempt_member(key, member, attempt);
        });
        if (!taken) {
            return taken;
        }
    }
    return {};
}

void add_attempts(Builder& builder, const std::vector<Attempt>& all)
{
    const auto attempts = newest(all);
    if (attempts.empty()) {
        return;
    }
    Bytes bytes;
    msgpack::Writer{bytes}.array(static_cast<std::uint32_t>(attempts.size()));
    for (const Attempt& attempt : attempts) {
        Builder each;
        each.text("state", name_of(attempt.state));
        if (number(attempt.worker) != 0) {
            each.number("worker", std::optional{number(attempt.worker)});
        }
        each.number("run_ns", std::optional{attempt.run_ns});
        add_cause(each, shortened(attempt).cause);
        each.append_to(bytes);
    }
    builder.raw("attempts", bytes);
}

}  // namespace jobmill::meta
