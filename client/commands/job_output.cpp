// SPDX-License-Identifier: MIT
#include "client/commands/job_output.hpp"

#include <algorithm>
#include <optional>

#include "client/commands/notice.hpp"
#include "client/commands/output.hpp"

namespace jobmill::commands {
namespace {

/// So that a record that is read back needs little memory.
constexpr std::size_t largest_record = std::size_t{128} * 1024;
constexpr std::size_t record_head = 5;

/// Whole records in, lines out.
class Printer {
public:
    Printer(std::string_view prefix, bool in_line) : prefix_(prefix), in_line_(in_line) {}

    [[nodiscard]] bool print(Stream stream, ByteView bytes)
    {
        if (bytes.empty()) {
            return true;
        }
        if (stream == Stream::err) {
            // Both may be the same file.
            return flush() && write_all(standard_error, bytes);
        }
        add_lines(bytes);
        return true;
    }

    [[nodiscard]] bool flush()
    {
        const bool written = write_all(standard_output, buffer_);
        buffer_.clear();
        return written;
    }

    [[nodiscard]] bool in_line() const noexcept { return in_line_; }

private:
    void add_lines(ByteView bytes)
    {
        if (prefix_.empty()) {
            append(buffer_, bytes);
            in_line_ = bytes.back() != std::byte{'\n'};
            return;
        }
        while (!bytes.empty()) {
            if (!in_line_) {
                append(buffer_, prefix_);
            }
            const auto end = std::find(bytes.begin(), bytes.end(), std::byte{'\n'});
            in_line_ = end == bytes.end();
            const auto size = static_cast<std::size_t>(end - bytes.begin()) + (in_line_ ? 0U : 1U);
            append(buffer_, bytes.first(size));
            bytes = bytes.subspan(size);
        }
    }

    std::string_view prefix_;
    bool in_line_;
    Bytes buffer_;
};

/// Prints the whole records at the front; answers how many bytes they were, or none.
std::optional<std::size_t> print_records(ByteView records, Printer& printer)
{
    std::size_t done = 0;
    while (records.size() - done >= record_head) {
        ByteReader reader{records.subspan(done)};
        const auto stream = static_cast<Stream>(reader.number<std::uint8_t>());
        const auto size = reader.number<std::uint32_t>();
        if (reader.rest().size() < size) {
            break;
        }
        if (!printer.print(stream, reader.take(size))) {
            return {};
        }
        done += record_head + size;
    }
    return done;
}

}  // namespace

Result<void> JobOutput::add(Stream stream, ByteView bytes)
{
    has_lines_ = has_lines_ || (stream == Stream::out && !bytes.empty());
    while (!bytes.empty()) {
        const ByteView part = bytes.first(std::min(bytes.size(), largest_record));
        Bytes record;
        record.reserve(record_head + part.size());
        append_number(record, static_cast<std::uint8_t>(stream));
        append_number(record, static_cast<std::uint32_t>(part.size()));
        append(record, part);
        JOBMILL_TRY(records_.add(record));
        bytes = bytes.subspan(part.size());
    }
    return {};
}

/// As much as is at hand.
bool JobOutput::print_part(std::string_view prefix)
{
    const Result<ByteView> more = records_.front();
    if (!more) {
        notice(more.error().what);
        return false;
    }
    if (more->empty()) {
        printed_ = true;
        if (line_wanted_ && !has_lines_) {
            return write_all(standard_output, bytes_of(std::string{prefix} + "\n"));
        }
        return !in_line_ || write_all(standard_output, bytes_of("\n"));
    }
    append(begun_, *more);
    records_.remove(more->size());
    Printer printer{prefix, in_line_};
    const auto done = print_records(begun_, printer);
    if (!done || !printer.flush()) {
        return false;
    }
    in_line_ = printer.in_line();
    begun_.erase(begun_.begin(), begun_.begin() + static_cast<std::ptrdiff_t>(*done));
    return true;
}

bool JobOutput::print_some(std::string_view prefix)
{
    while (!printed_ && !output_waits()) {
        if (!print_part(prefix)) {
            return false;
        }
    }
    return true;
}

bool JobOutput::print(std::string_view prefix)
{
    while (!printed_) {
        if (!print_part(prefix)) {
            return false;
        }
    }
    return true;
}

}  // namespace jobmill::commands
