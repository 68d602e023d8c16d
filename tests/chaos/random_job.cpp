// SPDX-License-Identifier: MIT
#include "tests/chaos/random_job.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <nettle/sha2.h>

namespace jobmill::chaos {
namespace {

std::string random_text(Dice& dice, std::size_t size)
{
    std::string text(size, ' ');
    // Eight characters a throw: a megabyte is not worth a million.
    for (std::size_t at = 0; at < size; at += 8) {
        const std::uint64_t word = dice.below(UINT64_MAX);
        for (std::size_t i = at; i < std::min(at + 8, size); ++i) {
            text[i] = static_cast<char>('!' + (word >> (i - at) * 8U & 0x3fU));
        }
    }
    return text;
}

/// Mostly small; now and then one that goes in pieces or by a descriptor.
std::size_t random_size(Dice& dice)
{
    if (dice.one_in(40)) {
        return dice.between(65'000, 700'000);
    }
    return dice.one_in(4) ? dice.between(0, 20'000) : dice.between(0, 300);
}

std::string sha256(std::string_view bytes)
{
    sha256_ctx context{};
    sha256_init(&context);
    const void* data = bytes.data();
    sha256_update(&context, bytes.size(), static_cast<const std::uint8_t*>(data));
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
    sha256_digest(&context, digest.size(), digest.data());
    std::string text;
    for (const std::uint8_t byte : digest) {
        text += "0123456789abcdef"[byte >> 4U];
        text += "0123456789abcdef"[byte & 0x0fU];
    }
    return text;
}

// ---- jobs and their ends ------------------------------------------------------------------------

RandomJob sum(Dice& dice)
{
    const std::uint64_t n = dice.below(dice.one_in(10) ? 20'000'000 : 100'000);
    return {.handler = "sum",
            .payload = std::to_string(n),
            .digest = digest_of(std::to_string(n * (n + 1) / 2))};
}

RandomJob echo(Dice& dice)
{
    RandomJob job{.handler = "echo", .payload = random_text(dice, random_size(dice))};
    job.digest = digest_of(job.payload);
    return job;
}

RandomJob hash(Dice& dice)
{
    RandomJob job{.handler = "sha256", .payload = random_text(dice, random_size(dice))};
    job.digest = digest_of(sha256(job.payload));
    return job;
}

RandomJob sleep(Dice& dice)
{
    return {.handler = "sleep",
            .payload = std::to_string(dice.below(30)) + "ms",
            .digest = digest_of("")};
}

RandomJob big(Dice& dice)
{
    const std::size_t size = random_size(dice);
    return {.handler = "big",
            .payload = std::to_string(size),
            .digest = digest_of(std::string(size, 'b'))};
}

RandomJob chunks(Dice& dice)
{
    const auto count = static_cast<std::int64_t>(dice.below(5));
    const auto size = static_cast<std::int64_t>(random_size(dice));
    return {.handler = "chunks",
            .payload = "",
            .args = {{"count", Value{count}}, {"size", Value{size}}},
            .digest = digest_of(""),
            .chunks = digest_of(std::string(static_cast<std::size_t>(count * size), 'c'))};
}

RandomJob command(Dice& dice)
{
    const bool fails = dice.one_in(4);
    const std::string text = random_text(dice, dice.below(50));
    Array argv{
        Value{"/bin/sh"}, Value{"-c"}, Value{fails ? "exit 3" : "sleep 0.00$2; printf %s \"$1\""},
        Value{"sh"},      Value{text}, Value{std::to_string(dice.below(10))}};
    return {.handler = "exec",
            .payload = "",
            .args = {{"argv", Value{std::move(argv)}}},
            .want = fails ? "failure" : "value",
            .digest = digest_of(""),
            .chunks = digest_of(text)};
}

RandomJob failure(Dice& /*dice*/)
{
    return {.handler = "throw", .payload = "no luck", .want = "failure"};
}

RandomJob crash(Dice& dice)
{
    struct Crash {
        const char* handler;
        const char* want;
    };
    static constexpr auto crashes = std::to_array<Crash>({{"segv", "SIGSEGV"},
                                                          {"abort", "SIGABRT"},
                                                          {"fpe", "SIGFPE"},
                                                          {"kill", "SIGKILL"},
                                                          {"exit", "exit"},
                                                          {"garbage_link", "lost"}});
    const Crash& chosen = crashes.at(dice.below(crashes.size()));
    return {.handler = chosen.handler, .payload = "", .want = chosen.want};
}

RandomJob endless(Dice& dice)
{
    static constexpr auto handlers =
        std::to_array({"hang", "until_cancelled", "fork_hold", "sleep"});
    const char* const handler = handlers.at(dice.below(handlers.size()));
    return {.handler = handler,
            .payload = std::string_view{handler} == "sleep" ? "1h" : "",
            .want = "endless"};
}

RandomJob family(Dice& dice)
{
    return {.handler = "fork_tree", .payload = std::to_string(dice.between(1, 4)), .want = "any"};
}

struct Kind {
    unsigned weight;
    RandomJob (*make)(Dice&);
};

constexpr auto kinds = std::to_array<Kind>({{30, sum},
                                            {20, echo},
                                            {12, hash},
                                            {12, sleep},
                                            {4, big},
                                            {4, chunks},
                                            {4, command},
                                            {3, failure},
                                            {6, crash},
                                            {4, endless},
                                            {1, family}});

constexpr unsigned all_weights = [] {
    unsigned sum = 0;
    for (const Kind& kind : kinds) {
        sum += kind.weight;
    }
    return sum;
}();

RandomJob random_kind(Dice& dice)
{
    auto at = static_cast<unsigned>(dice.below(all_weights));
    for (const Kind& kind : kinds) {
        if (at < kind.weight) {
            return kind.make(dice);
        }
        at -= kind.weight;
    }
    return echo(dice);
}

// ---- options ------------------------------------------------------------------------------------

void nothing(RandomJob& /*job*/, Dice& /*dice*/) {}

constexpr auto all_gates = std::to_array<Gate>({
    {"priority", R"("priority":5)",
     [](RandomJob& job, Dice& dice) {
         job.options.priority = static_cast<std::int32_t>(dice.below(201)) - 100;
     }},
    {"timeout_ms", R"("timeout_ms":60000)",
     [](RandomJob& job, Dice& dice) { job.options.timeout_ms = dice.between(1, 60); }},
    {"queue_timeout_ms", R"("queue_timeout_ms":60000)",
     [](RandomJob& job, Dice& dice) { job.options.queue_timeout_ms = dice.between(1, 100); }},
    {"delay_ms", R"("delay_ms":0)",
     [](RandomJob& job, Dice& dice) { job.options.delay_ms = dice.between(0, 50); }},
    {"retry_crash", R"("retry_crash":1)",
     [](RandomJob& job, Dice& dice) {
         job.options.retry_crash = static_cast<std::uint32_t>(dice.between(1, 4));
         job.options.backoff_ms = dice.between(1, 20);
     }},
    {"retry_timeout", R"("retry_timeout":1)",
     [](RandomJob& job, Dice& dice) {
         job.options.retry_timeout = static_cast<std::uint32_t>(dice.between(1, 3));
         job.options.timeout_ms = dice.between(5, 40);
         job.options.backoff_ms = dice.between(1, 20);
     }},
    {"retry_failure", R"("retry_failure":1)",
     [](RandomJob& job, Dice& dice) {
         job.options.retry_failure = static_cast<std::uint32_t>(dice.between(1, 3));
         job.options.backoff_ms = dice.between(1, 20);
     }},
    // Large enough to kill nobody: what is shown is that a limit does not stay with its worker.
    {"memory", R"("memory":4294967296)",
     [](RandomJob& job, Dice& /*dice*/) { job.options.memory = std::uint64_t{1} << 32U; }},
    {"cpu_ms", R"("cpu_ms":60000)",
     [](RandomJob& job, Dice& dice) { job.options.cpu_ms = dice.between(20'000, 60'000); }},
    {"open_files", R"("open_files":256)",
     [](RandomJob& job, Dice& /*dice*/) { job.options.open_files = 256; }},
    {"nice", R"("nice":1)",
     [](RandomJob& job, Dice& dice) {
         job.options.nice = static_cast<std::int32_t>(dice.below(20));
     }},
    {"cpus", R"("cpus":"0")", [](RandomJob& job, Dice& /*dice*/) { job.options.cpus = "0"; }},
    {"batch", R"("batch":"probe")", nothing},
    {"halt", R"("batch":"probed","halt":"soon,fail=100")", nothing},
    {"submit_many", "", nothing},
});

}  // namespace

std::span<const Gate> gates()
{
    return all_gates;
}

std::size_t gate(std::string_view name)
{
    const auto* const found = std::find_if(all_gates.begin(), all_gates.end(),
                                           [&](const Gate& each) { return each.name == name; });
    if (found == all_gates.end()) {
        throw std::logic_error{"there is no gate " + std::string{name}};
    }
    return static_cast<std::size_t>(found - all_gates.begin());
}

RandomJob random_job(Dice& dice, OpenGates open)
{
    RandomJob job = random_kind(dice);
    // A detached job that never ends would have to be looked for when its client is killed.
    job.detached = !job.endless() && dice.one_in(5);
    job.started = dice.one_in(3);
    job.progress = dice.one_in(5);
    job.pool = dice.one_in(4) ? "side" : "";
    for (std::size_t i = 0; i < all_gates.size(); ++i) {
        if ((open >> i & 1U) != 0 && dice.one_in(10)) {
            all_gates.at(i).apply(job, dice);
        }
    }
    return job;
}

Facts RandomJob::facts() const
{
    Facts facts{{"handler", handler}, {"want", want}};
    const auto add_text = [&](const char* name, std::string_view value) {
        if (!value.empty()) {
            facts.emplace_back(name, value);
        }
    };
    const auto add = [&](const char* name, const auto& value) {
        if (value && *value > 0) {
            facts.emplace_back(name, std::to_string(*value));
        }
    };
    add_text("digest", digest);
    add_text("chunks", chunks);
    add_text("batch", batch);
    add_text("halt", halt);
    add_text("detached", detached ? "1" : "");
    add("timeout_ms", options.timeout_ms);
    add("queue_timeout_ms", options.queue_timeout_ms);
    add("retry_crash", options.retry_crash);
    add("retry_timeout", options.retry_timeout);
    add("retry_failure", options.retry_failure);
    return facts;
}

}  // namespace jobmill::chaos
