// SPDX-License-Identifier: MIT
#include "tests/bench/workloads/word_table.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "common/unique_fd.hpp"

namespace jobmill::bench {
namespace {

constexpr std::size_t first_capacity = std::size_t{1} << 16U;
constexpr std::uint64_t hash_start = 0xcbf29ce484222325;
constexpr std::uint64_t hash_factor = 0x100000001b3;

bool is_letter(char byte) noexcept
{
    return byte >= 'a' && byte <= 'z';
}

std::uint64_t hashed(std::uint64_t hash, char byte) noexcept
{
    return (hash ^ static_cast<unsigned char>(byte)) * hash_factor;
}

/// The low bits of a short word's hash alone would fill the table in heaps.
std::uint64_t mixed(std::uint64_t hash) noexcept
{
    return hash ^ (hash >> 29U);
}

}  // namespace

WordTable::WordTable() : entries_(first_capacity) {}

void WordTable::count(std::string_view text, std::uint64_t offset, std::uint64_t length)
{
    const char* const end = text.data() + text.size();
    const char* const stop = text.data() + std::min<std::uint64_t>(text.size(), offset + length);
    const char* at = text.data() + std::min<std::uint64_t>(text.size(), offset);
    if (offset > 0 && is_letter(at[-1])) {
        at = std::find_if_not(at, end, is_letter);
    }
    while (at < stop) {
        if (!is_letter(*at)) {
            ++at;
            continue;
        }
        const char* const word = at;
        std::uint64_t hash = hash_start;
        for (; at < end && is_letter(*at); ++at) {
            hash = hashed(hash, *at);
        }
        add({word, static_cast<std::size_t>(at - word)}, mixed(hash), 1);
    }
}

void WordTable::merge(std::string_view lines)
{
    const char* at = lines.data();
    const char* const end = at + lines.size();
    while (at < end) {
        const char* const word = at;
        std::uint64_t hash = hash_start;
        for (; at < end && *at != '\t'; ++at) {
            hash = hashed(hash, *at);
        }
        const std::string_view key{word, static_cast<std::size_t>(at - word)};
        std::uint64_t count = 0;
        const auto [rest, error] = std::from_chars(std::min(at + 1, end), end, count);
        if (error != std::errc{} || rest == end || *rest != '\n') {
            throw std::runtime_error{"no line of a word and its count"};
        }
        add(key, mixed(hash), count);
        at = rest + 1;
    }
}

void WordTable::add(std::string_view word, std::uint64_t hash, std::uint64_t count)
{
    words_ += count;
    const std::size_t mask = entries_.size() - 1;
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
        Entry& entry = entries_[i];
        if (entry.count == 0) {
            entry = {word, hash, count};
            if (++distinct_ > entries_.size() / 2) {
                grow();
            }
            return;
        }
        if (entry.hash == hash && entry.word == word) {
            entry.count += count;
            return;
        }
    }
}

void WordTable::grow()
{
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    const std::size_t mask = entries_.size() - 1;
    for (const Entry& entry : old) {
        std::size_t i = entry.hash & mask;
        while (entry.count > 0 && entries_[i].count > 0) {
            i = (i + 1) & mask;
        }
        if (entry.count > 0) {
            entries_[i] = entry;
        }
    }
}

std::string WordTable::lines() const
{
    std::string text;
    for (const Entry& entry : entries_) {
        if (entry.count > 0) {
            text.append(entry.word).append("\t").append(std::to_string(entry.count)).append("\n");
        }
    }
    return text;
}

std::string_view mapped_file(const char* path)
{
    const UniqueFd file{::open(path, O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
        throw std::runtime_error{std::string{"cannot read "} + path};
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (mapped == MAP_FAILED) {
        throw std::runtime_error{std::string{"cannot map "} + path};
    }
    return {static_cast<const char*>(mapped), size};
}

}  // namespace jobmill::bench
