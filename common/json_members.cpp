// SPDX-License-Identifier: MIT
#include "common/json_members.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "common/limits.hpp"
#include "common/msgpack.hpp"
#include "common/utf8.hpp"

namespace jobmill::json {

Refusal refuse(const char* code, std::string_view field, std::string text,
               std::optional<std::uint64_t> limit)
{
    // What the client wrote comes back in the error, but not megabytes of it.
    return Refusal{ErrorReply{.code = code,
                              .text = std::move(text),
                              .field = std::string{utf8_head(field, limits::name)},
                              .limit = limit,
                              .offset = {},
                              .retry_after_ms = {}}};
}

Refusal wrong_type(std::string_view field, const char* want)
{
    return refuse(error_code::wrong_type, field, std::string{"want "} + want);
}

Refusal too_many_bytes(std::string_view field, std::size_t size, std::size_t limit)
{
    return refuse(error_code::bad_value, field,
                  "of " + std::to_string(size) + " bytes; the limit is " + std::to_string(limit),
                  limit);
}

std::string quoted(std::string_view word)
{
    return "\"" + std::string{utf8_head(word, limits::name)} + "\"";
}

Decoded<void> take(const Element& value, std::string_view field, std::string_view& to)
{
    return value.get(to) == simdjson::SUCCESS ? Decoded<void>{} : wrong_type(field, "a string");
}

Decoded<void> take(const Element& value, std::string_view field, bool& to)
{
    return value.get(to) == simdjson::SUCCESS ? Decoded<void>{}
                                              : wrong_type(field, "true or false");
}

/// A job number: digits in a string, since numbers above 2^53 do not survive every JSON library.
Decoded<void> take(const Element& value, std::string_view field, JobId& to)
{
    std::string_view digits;
    if (value.get(digits) != simdjson::SUCCESS) {
        return wrong_type(field, "a string of digits");
    }
    std::uint64_t job = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, job);
    if (digits.empty() || read.ptr != end || read.ec != std::errc{}) {
        return refuse(error_code::bad_value, field, "want a string of digits");
    }
    to = JobId{job};
    return {};
}

Decoded<void> take_name(const Element& value, std::string_view field, std::string_view& to)
{
    auto taken = take(value, field, to);
    if (taken && to.size() > limits::name) {
        return too_many_bytes(field, to.size(), limits::name);
    }
    return taken;
}

Decoded<void> check_keys(const Object& members, std::vector<std::string_view>& keys)
{
    keys.clear();
    for (const auto member : members) {
        keys.push_back(member.key);
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) {
        return refuse(error_code::bad_value, *twice, quoted(*twice) + " is given twice");
    }
    return {};
}

namespace {

using simdjson::dom::element_type;

/// A job's arguments as MessagePack.
class ArgsWriter {
public:
    ArgsWriter(Bytes& to, std::vector<std::string_view>& keys) : writer_(to), keys_(keys) {}

    // Recursive: the parser bounds the depth
    Decoded<void> write(const Object& members)
    {
        if (auto unique = check_keys(members, keys_); !unique) {
            return unique;
        }
        writer_.map(static_cast<std::uint32_t>(keys_.size()));
        for (const auto member : members) {
            writer_.text(member.key);
            if (auto written = write(member.value); !written) {
                return written;
            }
        }
        return {};
    }

private:
    // Recursive: the parser bounds the depth
    Decoded<void> write(const Element& value)
    {
        switch (value.type()) {
            case element_type::OBJECT:
                return write(Object{value});
            case element_type::ARRAY:
                return write_items(simdjson::dom::array{value});
            case element_type::STRING:
                writer_.text(std::string_view{value});
                break;
            case element_type::INT64:
                writer_.integer(std::int64_t{value});
                break;
            case element_type::UINT64:
                // Readers of MessagePack here know no integer above 2^63-1.
                return refuse(error_code::bad_value, "args", "an integer above 2^63-1",
                              std::numeric_limits<std::int64_t>::max());
            case element_type::DOUBLE:
                writer_.real(double{value});
                break;
            case element_type::BOOL:
                writer_.boolean(bool{value});
                break;
            case element_type::NULL_VALUE:
                writer_.nil();
                break;
        }
        return {};
    }

    // Recursive: the parser bounds the depth
    Decoded<void> write_items(const simdjson::dom::array& items)
    {
        // size() of a huge list saturates, so count.
        writer_.array(static_cast<std::uint32_t>(std::distance(items.begin(), items.end())));
        for (const Element item : items) {
            if (auto written = write(item); !written) {
                return written;
            }
        }
        return {};
    }

    msgpack::Writer writer_;
    std::vector<std::string_view>& keys_;
};

}  // namespace

Decoded<std::string_view> take_id(const Object& members)
{
    Element value;
    std::string_view id;
    if (members.at_key("id").get(value) != simdjson::SUCCESS) {
        return id;
    }
    if (auto taken = take_name(value, "id", id); !taken) {
        return Refusal{std::move(taken).error()};
    }
    if (id.empty()) {
        return refuse(error_code::bad_value, "id", "want at least one character");
    }
    return id;
}

Decoded<std::string_view> take_op(const Object& members)
{
    Element value;
    std::string_view op;
    if (members.at_key("op").get(value) != simdjson::SUCCESS) {
        return refuse(error_code::missing_field, "op", "want the name of a message");
    }
    if (auto taken = take(value, "op", op); !taken) {
        return Refusal{std::move(taken).error()};
    }
    return op;
}

Decoded<void> write_args(const Object& members, std::vector<std::string_view>& keys, Bytes& to)
{
    return ArgsWriter{to, keys}.write(members);
}

}  // namespace jobmill::json
