// SPDX-License-Identifier: MIT
#include "client/commands/job_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include "client/commands/output.hpp"

namespace jobmill::commands {
namespace {

constexpr std::size_t most_in_memory = std::size_t{128} * 1024;
constexpr std::size_t record_head = 5;

Result<void> write_file(int fd, ByteView bytes)
{
    while (!bytes.empty()) {
        const ssize_t size = ::write(fd, bytes.data(), bytes.size());
        if (size < 0 && errno != EINTR) {
            return fail_errno("keeping a job's output in a temporary file", errno);
        }
        bytes = bytes.subspan(size < 0 ? 0 : static_cast<std::size_t>(size));
    }
    return {};
}

/// Whole records in, lines out.
class Printer {
public:
    explicit Printer(std::string_view prefix) : prefix_(prefix) {}

    [[nodiscard]] bool print(Stream stream, ByteView bytes)
    {
        if (bytes.empty()) {
            return true;
        }
        if (stream == Stream::err) {
            return write_all(standard_error, bytes);
        }
        add_lines(bytes);
        return buffer_.size() < most_in_memory || flush();
    }

    [[nodiscard]] bool finish()
    {
        if (in_line_) {
            buffer_.push_back(std::byte{'\n'});
        }
        return flush();
    }

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

    [[nodiscard]] bool flush()
    {
        const bool written = write_all(standard_output, buffer_);
        buffer_.clear();
        return written;
    }

    std::string_view prefix_;
    bool in_line_ = false;
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
    // Cut, so that a record that is read back needs little memory.
    while (!bytes.empty()) {
        const ByteView part = bytes.first(std::min(bytes.size(), most_in_memory));
        append_number(records_, static_cast<std::uint8_t>(stream));
        append_number(records_, static_cast<std::uint32_t>(part.size()));
        append(records_, part);
        bytes = bytes.subspan(part.size());
        if (records_.size() > most_in_memory) {
            JOBMILL_TRY(spill());
        }
    }
    return {};
}

Result<void> JobOutput::spill()
{
    if (!file_) {
        const char* chosen = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
        const std::string directory = chosen == nullptr || *chosen == '\0' ? "/tmp" : chosen;
        file_.reset(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (!file_) {
            return fail_errno("a temporary file in " + directory, errno);
        }
    }
    JOBMILL_TRY(write_file(file_.get(), records_));
    records_.clear();
    return {};
}

bool JobOutput::print(std::string_view prefix)
{
    Printer printer{prefix};
    Bytes buffer;
    if (file_ && ::lseek(file_.get(), 0, SEEK_SET) == 0) {
        while (true) {
            const std::size_t before = buffer.size();
            buffer.resize(before + most_in_memory);
            const ssize_t size = ::read(file_.get(), buffer.data() + before, most_in_memory);
            buffer.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
            if (size <= 0) {
                break;
            }
            const auto done = print_records(buffer, printer);
            if (!done) {
                return false;
            }
            buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*done));
        }
    }
    return print_records(records_, printer).has_value() && printer.finish();
}

}  // namespace jobmill::commands
