// SPDX-License-Identifier: MIT
// Submits, of one job and of many, and the pieces of their payloads.
#include <algorithm>
#include <array>

#include "common/base64.hpp"
#include "common/json_decoder.hpp"
#include "common/json_options.hpp"
#include "common/limits.hpp"

namespace jobmill {
namespace {

using json::Element;
using json::Object;
using json::Refusal;
using json::refuse;
using json::take;
using json::too_many_bytes;
using json::wrong_type;

/// The members of a submit, and of a submit of many, that are no options.
constexpr auto of_one = std::to_array<std::string_view>(
    {"op", "id", "args", "blob", "inputs", "payload", "payload_b64", "size", "more"});
constexpr auto of_many = std::to_array<std::string_view>(
    {"op", "ids", "args", "inputs", "payloads", "payloads_b64", "each"});

/// A list of texts, as many as there may be jobs in one message.
template <typename Each>
Decoded<void> for_each_text(std::string_view key, const Element& value, Each each)
{
    simdjson::dom::array items;
    if (value.get(items) != simdjson::SUCCESS) {
        return wrong_type(key, "a list of strings");
    }
    std::size_t count = 0;
    for (const Element item : items) {
        if (++count > limits::submit_many) {
            return refuse(error_code::bad_value, key,
                          "more than " + std::to_string(limits::submit_many), limits::submit_many);
        }
        std::string_view text;
        if (item.get(text) != simdjson::SUCCESS) {
            return wrong_type(key, "a list of strings");
        }
        if (Decoded<void> taken = each(text); !taken) {
            return taken;
        }
    }
    return count > 0 ? Decoded<void>{} : refuse(error_code::bad_value, key, "want at least one");
}

Decoded<void> check_unique(std::vector<std::string_view> ids)
{
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    return twice == ids.end()
               ? Decoded<void>{}
               : refuse(error_code::duplicate_id, "ids", json::quoted(*twice) + " is given twice");
}

/// Of a submit or a put: what came of its payload against what it says.
template <typename Message>
Decoded<void> check_payload(Message& message, bool has_size)
{
    const std::uint64_t here = message.payload.size();
    if (message.more && !has_size) {
        return refuse(error_code::missing_field, "size",
                      "of the whole payload, since more follows");
    }
    if (!has_size) {
        message.size = here;
    }
    return (message.more ? here >= message.size : here != message.size)
               ? refuse(error_code::bad_value, "size", "does not match the payload that came")
               : Decoded<void>{};
}

}  // namespace

Decoded<void> JsonDecoder::State::take_payload(std::string_view key, const Element& value,
                                               std::size_t limit, ByteView& to)
{
    std::string_view text;
    if (auto taken = take(value, key, text); !taken) {
        return taken;
    }
    if (has_payload) {
        return refuse(error_code::bad_value, key, "payload and payload_b64 exclude each other");
    }
    has_payload = true;
    if (key == "payload") {
        to = bytes_of(text);
    } else {
        auto decoded = base64::decode(text);
        if (!decoded) {
            return refuse(error_code::bad_value, key, "not base64");
        }
        payload = std::move(*decoded);
        to = payload;
    }
    return to.size() > limit ? too_many_bytes(key, to.size(), limit) : Decoded<void>{};
}

Decoded<void> JsonDecoder::State::take_args(const Element& value, ByteView& to)
{
    Object members;
    if (value.get(members) != simdjson::SUCCESS) {
        return wrong_type("args", "an object");
    }
    args.clear();
    if (auto written = json::write_args(members, keys, args); !written) {
        return written;
    }
    // They travel on as the metadata of one frame.
    if (args.size() > limits::meta) {
        return too_many_bytes("args", args.size(), limits::meta);
    }
    to = args;
    return {};
}

Decoded<void> JsonDecoder::State::option(std::string_view key, const Element& value,
                                         SubmitOptions& options,
                                         std::span<const std::string_view> others)
{
    if (key == "args") {
        return take_args(value, options.args);
    }
    const auto taken = json::take_option(key, value, options);
    if (!taken) {
        return Refusal{taken.error()};
    }
    return *taken ? Decoded<void>{} : json::unknown_option(key, others);
}

Decoded<void> JsonDecoder::State::submit_member(std::string_view key, const Element& value,
                                                Submit& submit)
{
    if (key == "op" || key == "id") {
        return {};
    }
    if (key == "payload" || key == "payload_b64") {
        return take_payload(key, value, limits::inline_payload, submit.payload);
    }
    if (key == "size") {
        return take(value, key, submit.size);
    }
    if (key == "more") {
        return take(value, key, submit.more);
    }
    return option(key, value, submit.options, of_one);
}

Decoded<Request> JsonDecoder::State::submit(const Members& members)
{
    Submit submit;
    bool has_size = false;
    for (const auto member : members) {
        has_size = has_size || member.key == "size";
        if (auto taken = submit_member(member.key, member.value, submit); !taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (auto checked = json::check_options(submit.options); !checked) {
        return Refusal{std::move(checked).error()};
    }
    if (auto checked = check_payload(submit, has_size); !checked) {
        return Refusal{std::move(checked).error()};
    }
    if (submit.options.blob && (has_payload || submit.more)) {
        return refuse(error_code::bad_value, "blob", "a job has one payload");
    }
    return Request{std::move(submit)};
}

Decoded<Request> JsonDecoder::State::put(const Members& members)
{
    Put put;
    bool has_size = false;
    for (const auto member : members) {
        Decoded<void> taken;
        if (member.key == "payload" || member.key == "payload_b64") {
            taken = take_payload(member.key, member.value, limits::inline_payload, put.payload);
        } else if (member.key == "size") {
            has_size = true;
            taken = take(member.value, member.key, put.size);
        } else if (member.key == "more") {
            taken = take(member.value, member.key, put.more);
        }
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (auto checked = check_payload(put, has_size); !checked) {
        return Refusal{std::move(checked).error()};
    }
    return Request{put};
}

Decoded<Request> JsonDecoder::State::drop(const Members& /*members*/)
{
    return Request{Drop{}};
}

Decoded<void> JsonDecoder::State::take_payloads(std::string_view key, const Element& value,
                                                std::vector<ByteView>& to)
{
    if (has_payload) {
        return refuse(error_code::bad_value, key, "payloads and payloads_b64 exclude each other");
    }
    has_payload = true;
    const bool as_text = key == "payloads";
    payload.clear();
    std::vector<std::size_t> sizes;
    auto taken = for_each_text(key, value, [&](std::string_view text) -> Decoded<void> {
        ByteView bytes = bytes_of(text);
        const auto decoded = as_text ? std::nullopt : base64::decode(text);
        if (!as_text) {
            if (!decoded) {
                return refuse(error_code::bad_value, key, "not base64");
            }
            append(payload, ByteView{*decoded});
            bytes = *decoded;
        }
        sizes.push_back(bytes.size());
        to.push_back(bytes);
        return bytes.size() > limits::inline_payload
                   ? too_many_bytes(key, bytes.size(), limits::inline_payload)
                   : Decoded<void>{};
    });
    if (taken && !as_text) {
        // Only now does the buffer stay where it is.
        ByteReader reader{payload};
        std::transform(sizes.begin(), sizes.end(), to.begin(),
                       [&](std::size_t size) { return reader.take(size); });
    }
    return taken;
}

Decoded<void> JsonDecoder::State::take_ids(const Members& members,
                                           std::vector<std::string_view>& to)
{
    Element ids;
    if (members.at_key("ids").get(ids) != simdjson::SUCCESS) {
        return refuse(error_code::missing_field, "ids", "want a list of strings, the jobs' tags");
    }
    auto taken = for_each_text("ids", ids, [&](std::string_view text) -> Decoded<void> {
        if (text.empty()) {
            return refuse(error_code::bad_value, "ids", "want at least one character in each");
        }
        if (text.size() > limits::name) {
            return too_many_bytes("ids", text.size(), limits::name);
        }
        to.push_back(text);
        // What is wrong with the message is said about its first job.
        id = to.front();
        return {};
    });
    return taken ? check_unique(to) : taken;
}

Decoded<Request> JsonDecoder::State::submit_many(const Members& members)
{
    SubmitMany many;
    if (auto taken = take_ids(members, many.ids); !taken) {
        return Refusal{std::move(taken).error()};
    }
    for (const auto member : members) {
        Decoded<void> taken;
        if (member.key == "payloads" || member.key == "payloads_b64") {
            taken = take_payloads(member.key, member.value, many.payloads);
        } else if (member.key == "blob") {
            taken = json::unknown_option(member.key, of_many);
        } else if (member.key == "each") {
            taken = take(member.value, member.key, many.each);
        } else if (member.key != "op" && member.key != "ids") {
            taken = option(member.key, member.value, many.options, of_many);
        }
        if (!taken) {
            return Refusal{std::move(taken).error()};
        }
    }
    if (auto checked = json::check_options(many.options); !checked) {
        return Refusal{std::move(checked).error()};
    }
    if (many.each && many.ids.size() > limits::submit_each) {
        return refuse(error_code::bad_value, "ids",
                      "more than " + std::to_string(limits::submit_each) + " with each",
                      limits::submit_each);
    }
    if (!has_payload) {
        return refuse(error_code::missing_field, "payloads", "want as many as ids");
    }
    if (many.payloads.size() != many.ids.size()) {
        return refuse(error_code::bad_value, "payloads",
                      std::to_string(many.payloads.size()) + " payloads for " +
                          std::to_string(many.ids.size()) + " ids");
    }
    return Request{std::move(many)};
}

}  // namespace jobmill
