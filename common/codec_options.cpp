// SPDX-License-Identifier: MIT
#include "common/codec_options.hpp"

#include <array>

namespace jobmill {
namespace meta {
namespace {

struct TextField {
    std::string_view name;
    std::string_view SubmitOptions::*member;
};
struct Flag {
    std::string_view name;
    bool SubmitOptions::*member;
};

constexpr auto names = std::to_array<TextField>({{"pool", &SubmitOptions::pool},
                                                 {"handler", &SubmitOptions::handler},
                                                 {"label", &SubmitOptions::label}});
constexpr auto flags = std::to_array<Flag>({{"detached", &SubmitOptions::detached},
                                            {"started", &SubmitOptions::want_started},
                                            {"progress", &SubmitOptions::want_progress}});

template <typename Table>
const typename Table::value_type* find(const Table& table, std::string_view key)
{
    for (const auto& row : table) {
        if (row.name == key) {
            return &row;
        }
    }
    return nullptr;
}

Decoded<void> take_args(msgpack::Reader& reader, ByteView& args)
{
    if (reader.peek() != msgpack::Kind::map) {
        return wrong_type("args", "a map");
    }
    const auto bytes = reader.skip();
    if (!bytes) {
        return wrong_type("args", "a well-formed map of text, numbers and lists");
    }
    if (const auto document = msgpack::decode(*bytes); !document) {
        if (document.error().code == Errc::exhausted) {
            return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::too_deep,
                                                         .text = "nested too deep",
                                                         .field = "args",
                                                         .limit = limits::depth,
                                                         .offset = {},
                                                         .retry_after_ms = {}});
        }
        return wrong_type("args", "a well-formed map of text, numbers and lists");
    }
    args = *bytes;
    return {};
}

Decoded<void> take_job_option(std::string_view key, msgpack::Reader& reader, JobOptions& options)
{
    if (const auto* option = options::find_number(key)) {
        const auto value = take_number(reader, option->range);
        if (!value) {
            return tl::unexpected<ErrorReply>(value.error());
        }
        options::set(*option, *value, options);
        return {};
    }
    if (const auto* option = options::find_text(key)) {
        std::string_view value;
        const Decoded<void> taken = take(reader, key, value);
        return taken ? options::set(*option, value, options) : taken;
    }
    // An option that we do not know may be one that the client relies on: never skip it silently.
    return tl::unexpected<ErrorReply>(ErrorReply{.code = error_code::unknown_option,
                                                 .text = "no such option of submit",
                                                 .field = std::string{key},
                                                 .limit = {},
                                                 .offset = {},
                                                 .retry_after_ms = {}});
}

Decoded<void> take_option(std::string_view key, msgpack::Reader& reader, SubmitOptions& options)
{
    if (const auto* name = find(names, key)) {
        return take_name(reader, key, options.*name->member);
    }
    if (const auto* flag = find(flags, key)) {
        return take(reader, key, options.*flag->member);
    }
    return key == "args" ? take_args(reader, options.args)
                         : take_job_option(key, reader, options.job);
}

void add_job_options(Builder& builder, const JobOptions& options)
{
    for (const auto& option : options::numbers) {
        std::visit(
            [&](auto member) {
                const auto& value = options.*member;
                if (value && std::cmp_equal(*value, unlimited)) {
                    builder.text(option.range.name, options::unlimited_word);
                } else {
                    builder.number(option.range.name, value);
                }
            },
            option.member);
    }
    for (const auto& option : options::texts) {
        builder.text(option.name, options.*option.member);
    }
}

}  // namespace

Decoded<void> take_name(msgpack::Reader& reader, std::string_view key, std::string_view& to)
{
    const Decoded<void> taken = take(reader, key, to);
    if (taken && to.size() > limits::name) {
        return bad_value(key,
                         "of " + std::to_string(to.size()) + " bytes; the limit is " +
                             std::to_string(limits::name),
                         limits::name);
    }
    return taken;
}

Decoded<options::Number> take_number(msgpack::Reader& reader, const options::Range& range)
{
    if (const auto value = reader.integer()) {
        return options::judge(range, *value);
    }
    if (reader.peek() == msgpack::Kind::integer) {
        return options::beyond(range);
    }
    if (const auto word = reader.text()) {
        return options::judge(range, *word);
    }
    return options::wrong_type(range);
}

Decoded<void> take_options(ByteView meta, SubmitOptions& options)
{
    const auto taken = each(meta, [&](std::string_view key, msgpack::Reader& reader) {
        return take_option(key, reader, options);
    });
    return taken ? options::check_together(options.job) : taken;
}

void add_options(Builder& builder, const SubmitOptions& options)
{
    builder.text("pool", options.pool)
        .text("handler", options.handler)
        .text("label", options.label)
        .raw("args", options.args)
        .flag("detached", options.detached)
        .flag("started", options.want_started)
        .flag("progress", options.want_progress);
    add_job_options(builder, options.job);
}

}  // namespace meta

std::size_t encoded_size(const SubmitOptions& options)
{
    meta::Builder builder;
    meta::add_options(builder, options);
    Bytes bytes;
    builder.append_to(bytes);
    return bytes.size();
}

}  // namespace jobmill
