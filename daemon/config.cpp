// SPDX-License-Identifier: MIT
#include "daemon/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <map>
#include <span>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include "common/unique_fd.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::int64_t most_workers = 1024;

/// Of the file; parsing so much takes some milliseconds.
constexpr std::size_t longest_file = std::size_t{256} * 1024;

/// A hundred years: more than anybody means, less than nanoseconds can count.
constexpr std::chrono::hours longest_duration{24 * 365 * 100};

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// A number and one of the units; `what` says what was wanted.
Result<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                     const char* what)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& each) { return each.name == unit; });
    if (error != std::errc{} || found == units.end() ||
        number > std::numeric_limits<std::uint64_t>::max() / 2 / found->factor) {
        return fail(Errc::invalid, "\"" + std::string{text} + "\": want " + what);
    }
    return number * found->factor;
}

/// Reads one file; the first error is kept, with its place.
class Reader {
public:
    explicit Reader(std::string file) : file_(std::move(file)) {}

    Result<Config> read(const toml::table& root)
    {
        Config config;
        known_keys(root, "the configuration",
                   {"socket", "socket_group", "state_dir", "log_level", "log_format", "max_payload",
                    "max_jobs", "max_bytes", "max_sessions", "credit_jobs", "credit_bytes",
                    "drain_timeout", "idle_timeout", "frame_timeout", "unread_age", "unread_bytes",
                    "pool"});
        text(root, "socket", config.socket);
        text(root, "socket_group", config.socket_group);
        text(root, "state_dir", config.state_dir);
        text(root, "log_level", config.log_level);
        text(root, "log_format", config.log_format);
        size(root, "max_payload", config.max_payload, std::uint64_t{1} << 40U);
        number(root, "max_jobs", config.max_jobs, 100'000'000);
        size(root, "max_bytes", config.max_bytes, std::uint64_t{1} << 50U);
        number(root, "max_sessions", config.max_sessions, 1'000'000);
        number(root, "credit_jobs", config.credit_jobs, 1'000'000);
        size(root, "credit_bytes", config.credit_bytes, std::uint64_t{1} << 40U);
        duration(root, "drain_timeout", config.drain_timeout);
        idle_timeout(root, config);
        duration(root, "frame_timeout", config.frame_timeout, std::chrono::milliseconds{1});
        duration(root, "unread_age", config.unread_age);
        size(root, "unread_bytes", config.unread_bytes, std::uint64_t{1} << 40U);
        pools(root, config);
        if (error_) {
            return tl::unexpected<Error>(*error_);
        }
        return config;
    }

private:
    void complain(const toml::source_region& where, const std::string& what)
    {
        if (!error_) {
            error_ = Error{Errc::invalid, file_ + ":" + std::to_string(where.begin.line) + ":" +
                                              std::to_string(where.begin.column) + ": " + what};
        }
    }

    void known_keys(const toml::table& table, const std::string& of,
                    std::initializer_list<std::string_view> names)
    {
        for (const auto& [key, value] : table) {
            if (std::find(names.begin(), names.end(), key.str()) == names.end()) {
                complain(key.source(), "unknown key \"" + std::string{key.str()} + "\" in " + of);
            }
        }
    }

    /// The value of a key if it is there and of that type.
    template <typename T>
    const toml::value<T>* value(const toml::table& table, std::string_view key, const char* want)
    {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            return nullptr;
        }
        const toml::value<T>* found = node->as<T>();
        if (found == nullptr) {
            complain(node->source(), std::string{key} + ": want " + want);
        }
        return found;
    }

    void text(const toml::table& table, std::string_view key, std::optional<std::string>& to)
    {
        if (const auto* found = value<std::string>(table, key, "a string")) {
            to = found->get();
        }
    }

    template <typename T>
    void number(const toml::table& table, std::string_view key, T& to, std::int64_t most)
    {
        const auto* found = value<std::int64_t>(table, key, "a number");
        if (found == nullptr) {
            return;
        }
        if (found->get() < 1 || found->get() > most) {
            complain(found->source(),
                     std::string{key} + ": want a number from 1 to " + std::to_string(most));
            return;
        }
        to = static_cast<T>(found->get());
    }

    void size(const toml::table& table, std::string_view key, std::uint64_t& to, std::uint64_t most)
    {
        const auto* found = value<std::string>(table, key, "a size such as \"64 MiB\"");
        if (found == nullptr) {
            return;
        }
        const auto bytes = parse_size(found->get());
        if (!bytes || *bytes < 1 || *bytes > most) {
            complain(found->source(),
                     std::string{key} + ": " + (bytes ? "out of its range" : bytes.error().what));
            return;
        }
        to = *bytes;
    }

    void duration(const toml::table& table, std::string_view key, std::chrono::milliseconds& to,
                  std::chrono::milliseconds least = {})
    {
        const auto* found = value<std::string>(table, key, "a duration such as \"5s\"");
        if (found == nullptr) {
            return;
        }
        const auto parsed = parse_duration(found->get());
        if (!parsed || *parsed < least || *parsed > longest_duration) {
            complain(found->source(),
                     std::string{key} + ": " + (parsed ? "out of its range" : parsed.error().what));
            return;
        }
        to = *parsed;
    }

    void idle_timeout(const toml::table& root, Config& config)
    {
        std::chrono::milliseconds timeout{};
        duration(root, "idle_timeout", timeout, std::chrono::milliseconds{1});
        if (timeout > std::chrono::milliseconds{0}) {
            config.idle_timeout = timeout;
        }
    }

    void pools(const toml::table& root, Config& config)
    {
        const toml::node* node = root.get("pool");
        if (node == nullptr) {
            config.pools = default_config().pools;
            return;
        }
        const toml::table* tables = node->as_table();
        if (tables == nullptr || tables->empty()) {
            complain(node->source(), "pool: want tables such as [pool.default]");
            return;
        }
        // The parser sorts by name; which pool comes first means something.
        std::map<std::pair<std::uint32_t, std::uint32_t>, const toml::key*> in_order;
        for (const auto& [name, value] : *tables) {
            const toml::source_position& where = name.source().begin;
            in_order.emplace(std::pair{where.line, where.column}, &name);
        }
        for (const auto& [where, name] : in_order) {
            const toml::node& value = *tables->get(name->str());
            const toml::table* table = value.as_table();
            if (table == nullptr) {
                complain(value.source(), "pool." + std::string{name->str()} + ": want a table");
                continue;
            }
            config.pools.push_back(pool(std::string{name->str()}, *table, name->source()));
        }
    }

    PoolSettings pool(const std::string& name, const toml::table& table,
                      const toml::source_region& where)
    {
        PoolSettings pool;
        pool.name = name;
        const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
            return std::string_view{
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                       "._-"}
                       .find(c) != std::string_view::npos;
        });
        if (name.empty() || name.size() > limits::name || !plain) {
            complain(where, "pool name: want 1 to " + std::to_string(limits::name) +
                                " letters, digits, dots, dashes and underscores");
        }
        known_keys(table, "pool." + name,
                   {"workers", "modules", "exec", "paths", "start", "environment"});
        workers(table, pool);
        modules(table, pool);
        if (const auto* exec = value<bool>(table, "exec", "true or false")) {
            pool.exec = exec->get();
        }
        if (const auto* paths = value<bool>(table, "paths", "true or false")) {
            pool.paths = paths->get();
        }
        if (const auto* start = value<std::string>(table, "start", "\"fork\" or \"spawn\"")) {
            if (start->get() != "fork" && start->get() != "spawn") {
                complain(start->source(), "start: want \"fork\" or \"spawn\"");
            }
            pool.start =
                start->get() == "spawn" ? PoolSettings::Start::spawn : PoolSettings::Start::fork;
        }
        environment(table, pool);
        return pool;
    }

    void workers(const toml::table& table, PoolSettings& pool)
    {
        const toml::node* node = table.get("workers");
        if (node == nullptr) {
            return;
        }
        const auto* word = node->as_string();
        if (word != nullptr && word->get() == "cores") {
            return;
        }
        const auto* count = node->as_integer();
        if (count == nullptr || count->get() < 1 || count->get() > most_workers) {
            complain(node->source(), "workers: want \"cores\" or a number from 1 to " +
                                         std::to_string(most_workers));
            return;
        }
        pool.workers = static_cast<std::uint32_t>(count->get());
    }

    void modules(const toml::table& table, PoolSettings& pool)
    {
        const toml::node* node = table.get("modules");
        if (node == nullptr) {
            return;
        }
        const toml::array* list = node->as_array();
        if (list == nullptr) {
            complain(node->source(), "modules: want a list of paths");
            return;
        }
        for (const toml::node& item : *list) {
            const auto* path = item.as_string();
            if (path == nullptr || path->get().empty() || path->get().front() != '/') {
                complain(item.source(), "modules: want absolute paths");
                continue;
            }
            pool.modules.push_back(path->get());
        }
    }

    void environment(const toml::table& table, PoolSettings& pool)
    {
        const toml::node* node = table.get("environment");
        if (node == nullptr) {
            return;
        }
        const toml::table* entries = node->as_table();
        if (entries == nullptr) {
            complain(node->source(), "environment: want a table of texts");
            return;
        }
        for (const auto& [name, value] : *entries) {
            const auto* word = value.as_string();
            if (word == nullptr || name.str().find('=') != std::string_view::npos) {
                complain(value.source(), "environment: want names and texts");
                continue;
            }
            pool.environment.emplace(name.str(), word->get());
        }
    }

    std::string file_;
    std::optional<Error> error_;
};

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text)
{
    static constexpr auto units = std::to_array<Unit>({{"", 1},
                                                       {"B", 1},
                                                       {"KiB", std::uint64_t{1} << 10U},
                                                       {"MiB", std::uint64_t{1} << 20U},
                                                       {"GiB", std::uint64_t{1} << 30U},
                                                       {"TiB", std::uint64_t{1} << 40U}});
    return parse_quantity(text, units, "a size such as \"64 MiB\"");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    static constexpr auto units =
        std::to_array<Unit>({{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}});
    JOBMILL_TRY_ASSIGN(const std::uint64_t count,
                       parse_quantity(text, units, "a duration such as \"500ms\" or \"5s\""));
    return std::chrono::milliseconds{static_cast<std::int64_t>(count)};
}

Config default_config()
{
    Config config;
    config.pools.push_back(PoolSettings{.name = "default",
                                        .workers = {},
                                        .modules = {},
                                        .exec = {},
                                        .start = PoolSettings::Start::fork,
                                        .environment = {}});
    return config;
}

Result<Config> parse_config(std::string_view text, const std::string& file)
{
    try {
        const toml::table root = toml::parse(text);
        return Reader{file}.read(root);
    } catch (const toml::parse_error& error) {
        const auto& where = error.source().begin;
        return fail(Errc::invalid, file + ":" + std::to_string(where.line) + ":" +
                                       std::to_string(where.column) + ": " +
                                       std::string{error.description()});
    }
}

Result<Config> read_config(const std::string& file)
{
    // A pipe with nobody at its other end, or a device that never ends, must not stop the loop.
    const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return fail_errno("reading " + file, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Errc::invalid, file + " is no regular file");
    }
    std::string text(longest_file + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno != EINTR) {
            return fail_errno("reading " + file, errno);
        }
        if (got == 0) {
            text.resize(size);
            return parse_config(text, file);
        }
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return fail(Errc::invalid, file + " is longer than " + std::to_string(longest_file) + " bytes");
}

}  // namespace jobmill::daemon
