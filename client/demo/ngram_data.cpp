// SPDX-License-Identifier: MIT
#include "client/demo/ngram_data.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "client/daemon_launch.hpp"
#include "common/unique_fd.hpp"

namespace jobmill::demo {
namespace {

constexpr std::size_t words_per_file = 22'700;
constexpr std::uint64_t first_year = 1500;
constexpr std::uint64_t years = 509;
constexpr std::size_t write_size = std::size_t{1} << 20U;

/// SplitMix64 (public domain, Sebastiano Vigna): the same numbers everywhere, unlike the standard
/// library's distributions.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    /// 0 to below - 1.
    [[nodiscard]] std::uint64_t below(std::uint64_t below) noexcept
    {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return ((z ^ (z >> 31U)) >> 16U) % below;
    }

private:
    std::uint64_t state_;
};

std::string random_word(Random& random, char letter)
{
    static constexpr std::string_view letters = "etaoinshrdlu";
    static constexpr std::array<std::string_view, 5> suffixes{"", "", "_NOUN", "_VERB", "_ADJ"};
    const bool capital = random.below(2) == 0;
    std::string word(1, capital ? static_cast<char>(letter - 'a' + 'A') : letter);
    for (std::uint64_t left = 3 + random.below(9); left > 0; --left) {
        word += letters[random.below(letters.size())];
    }
    return word.append(suffixes.at(random.below(suffixes.size())));
}

class Writer {
public:
    explicit Writer(int fd) : fd_(fd) { buffer_.reserve(write_size + 4096); }

    [[nodiscard]] Result<void> line(std::string_view word, std::uint64_t year, std::uint64_t count)
    {
        buffer_ += word;
        add_number(year);
        add_number(count);
        add_number(std::max<std::uint64_t>(1, count / 7));
        buffer_ += '\n';
        return buffer_.size() < write_size ? Result<void>{} : flush();
    }

    [[nodiscard]] Result<void> flush()
    {
        std::string_view rest = buffer_;
        while (!rest.empty()) {
            const ssize_t size = ::write(fd_, rest.data(), rest.size());
            if (size < 0 && errno != EINTR) {
                return fail_errno("writing the demo's data", errno);
            }
            rest.remove_prefix(size < 0 ? 0 : static_cast<std::size_t>(size));
        }
        buffer_.clear();
        return {};
    }

private:
    void add_number(std::uint64_t number)
    {
        std::array<char, 21> digits{'\t'};
        const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), number);
        buffer_.append(digits.data(), end.ptr);
    }

    int fd_;
    std::string buffer_;
};

Result<void> generate(int fd, char letter)
{
    Random random{static_cast<std::uint64_t>(letter)};
    std::set<std::string> words;
    if (letter == 'a') {
        words.insert("Aardvark");
    }
    while (words.size() < words_per_file) {
        words.insert(random_word(random, letter));
    }
    Writer writer{fd};
    for (const std::string& word : words) {
        std::uint64_t wanted = 20 + random.below(141);
        for (std::uint64_t i = 0; i < years && wanted > 0; ++i) {
            // Each of the years left is as likely as another to be among those wanted.
            if (random.below(years - i) < wanted) {
                JOBMILL_TRY(writer.line(word, first_year + i, 1 + random.below(3000)));
                --wanted;
            }
        }
    }
    return writer.flush();
}

Result<std::string> cache_directory()
{
    const char* cache = std::getenv("XDG_CACHE_HOME");  // NOLINT(concurrency-mt-unsafe)
    const char* home = std::getenv("HOME");             // NOLINT(concurrency-mt-unsafe)
    if (cache != nullptr && *cache == '/') {
        return std::string{cache} + "/jobmill/ngram";
    }
    if (home != nullptr && *home == '/') {
        return std::string{home} + "/.cache/jobmill/ngram";
    }
    return fail(Errc::not_found, "neither $XDG_CACHE_HOME nor $HOME says where to keep the data");
}

/// Under another name first, so that a file of that name is whole.
Result<void> make_file(const std::string& path, char letter)
{
    if (::access(path.c_str(), R_OK) == 0) {
        return {};
    }
    const std::string draft = path + "." + std::to_string(::getpid());
    const UniqueFd fd{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!fd) {
        return fail_errno("opening " + draft, errno);
    }
    const auto made = generate(fd.get(), letter);
    if (!made || ::rename(draft.c_str(), path.c_str()) != 0) {
        const int why = errno;
        (void)::unlink(draft.c_str());
        return made ? fail_errno("renaming " + draft, why) : made;
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> ngram_files()
{
    JOBMILL_TRY_ASSIGN(const std::string directory, cache_directory());
    JOBMILL_TRY(make_private_directory(directory));
    std::vector<std::string> files;
    for (const char letter : {'a', 'b', 'c'}) {
        files.push_back(directory + "/ng-" + letter);
        JOBMILL_TRY(make_file(files.back(), letter));
    }
    return files;
}

Result<std::vector<FileRange>> ranges_of(const std::vector<std::string>& files,
                                         std::uint64_t length)
{
    std::vector<FileRange> ranges;
    for (const std::string& file : files) {
        std::error_code error;
        const std::string path = std::filesystem::absolute(file, error).string();
        const std::uint64_t size = error ? 0 : std::filesystem::file_size(path, error);
        if (error) {
            return fail(Errc::not_found, file + ": " + error.message());
        }
        for (std::uint64_t offset = 0; offset < size; offset += length) {
            ranges.push_back({path, offset, std::min(length, size - offset)});
        }
    }
    return ranges;
}

}  // namespace jobmill::demo
