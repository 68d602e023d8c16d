// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include <nettle/sha2.h>

#include "worker/handlers/file_range.hpp"
#include "worker/handlers/handlers.hpp"

namespace jobmill::handlers {
namespace {

constexpr std::size_t payload_block = 1U << 20U;

class Sha256 {
public:
    Sha256() { sha256_init(&state_); }

    void add(std::string_view bytes)
    {
        const void* data = bytes.data();
        sha256_update(&state_, bytes.size(), static_cast<const std::uint8_t*>(data));
    }

    [[nodiscard]] std::string hexadecimal()
    {
        static constexpr std::string_view digits = "0123456789abcdef";
        std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
        sha256_digest(&state_, digest.size(), digest.data());
        std::string text;
        for (const std::uint8_t byte : digest) {
            text += digits[byte >> 4U];
            text += digits[byte & 0x0fU];
        }
        return text;
    }

private:
    sha256_ctx state_{};
};

void add_file(Job& job, Sha256& sum)
{
    FileRange range{job, "sha256", [](char) { return true; }};
    const auto length = job.optional_integer("length");
    if (length && static_cast<std::uint64_t>(*length) != range.size()) {
        throw Failure{"sha256: " + range.path() + ": the range ends beyond the file"};
    }
    while (const auto block = range.next()) {
        job.stop_if_cancelled();
        sum.add(*block);
        job.progress(range.done(), range.size());
    }
}

void add_payload(const Job& job, Sha256& sum)
{
    for (std::string_view rest = job.payload(); !rest.empty();) {
        job.stop_if_cancelled();
        const std::size_t size = std::min(rest.size(), payload_block);
        sum.add(rest.substr(0, size));
        rest.remove_prefix(size);
    }
}

}  // namespace

std::string sha256(Job& job)
{
    Sha256 sum;
    if (FileRange::is_named(job, "sha256")) {
        add_file(job, sum);
    } else {
        add_payload(job, sum);
    }
    return sum.hexadecimal();
}

}  // namespace jobmill::handlers
