// SPDX-License-Identifier: MIT
#include "tests/chaos/history.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace jobmill::chaos {
namespace {

constexpr auto names = std::to_array<std::string_view>(
    {"session", "submit", "accepted", "refused", "started", "retrying", "chunk", "result", "wait",
     "found", "cancel", "cancel_job", "cancel_batch", "cancel_all", "half_close", "vanish", "end",
     "broken"});

constexpr std::string_view none = "-";

/// Words of a line are parted by spaces, so a text has to have none; nor may one take pages.
std::string as_word(std::string_view text)
{
    constexpr std::size_t longest = 200;
    std::string word{text.substr(0, longest)};
    std::replace_if(
        word.begin(), word.end(), [](char c) { return c <= ' ' || c > '~'; }, '_');
    return word.empty() ? std::string{none} : word;
}

std::string_view take_word(std::string_view& line)
{
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

template <typename Number>
Number number_in(std::string_view text)
{
    Number number = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

std::string_view name_of(What what) noexcept
{
    return names.at(static_cast<std::size_t>(what));
}

std::string_view Record::text(std::string_view name) const
{
    for (const auto& [key, value] : facts) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::uint64_t Record::number(std::string_view name) const
{
    return number_in<std::uint64_t>(text(name));
}

std::string to_line(const Record& record)
{
    std::string line = std::to_string(record.at) + ' ';
    line += name_of(record.what);
    line += ' ' + as_word(record.id);
    for (const auto& [key, value] : record.facts) {
        line += ' ' + key + '=' + as_word(value);
    }
    return line + '\n';
}

std::optional<Record> from_line(std::string_view line)
{
    if (line.empty() || line.back() != '\n') {
        return {};
    }
    line.remove_suffix(1);
    Record record;
    record.at = number_in<std::int64_t>(take_word(line));
    const auto* const name = std::find(names.begin(), names.end(), take_word(line));
    const std::string_view id = take_word(line);
    if (record.at == 0 || name == names.end() || id.empty()) {
        return {};
    }
    record.what = static_cast<What>(name - names.begin());
    record.id = id == none ? std::string_view{} : id;
    while (!line.empty()) {
        const std::string_view fact = take_word(line);
        const std::size_t equals = fact.find('=');
        if (equals == std::string_view::npos) {
            return {};
        }
        const std::string_view value = fact.substr(equals + 1);
        record.facts.emplace_back(fact.substr(0, equals),
                                  value == none ? std::string_view{} : value);
    }
    return record;
}

std::int64_t now_ns()
{
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

HistoryWriter::HistoryWriter(const std::string& path)
    : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600))
{
    if (!file_) {
        throw std::system_error{errno, std::generic_category(), path};
    }
}

void HistoryWriter::add(What what, std::string_view id, Facts facts)
{
    const std::string line =
        to_line({.at = now_ns(), .what = what, .id = std::string{id}, .facts = std::move(facts)});
    if (::write(file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw std::system_error{errno, std::generic_category(), "writing a history"};
    }
    size_ += line.size();
}

void read_history(const std::string& path, const std::function<void(const Record&)>& each)
{
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        if (!file.eof()) {
            line += '\n';
        }
        if (const auto record = from_line(line)) {
            each(*record);
        } else if (!file.eof()) {
            throw std::runtime_error{"a line of " + path + " is none"};
        }
    }
}

void Digest::add(std::string_view bytes) noexcept
{
    // FNV-1a: nobody here means harm.
    for (const char c : bytes) {
        hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    size_ += bytes.size();
}

std::string Digest::text() const
{
    std::array<char, 16> hash{};
    const auto end = std::to_chars(hash.data(), hash.data() + hash.size(), hash_, 16).ptr;
    return std::to_string(size_) + ':' + std::string{hash.data(), end};
}

std::string digest_of(std::string_view bytes)
{
    Digest digest;
    digest.add(bytes);
    return digest.text();
}

}  // namespace jobmill::chaos
