// SPDX-License-Identifier: MIT
#include "daemon/pool_reader.hpp"

#include <algorithm>
#include <map>

#include "common/limits.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::int64_t most_workers = 1024;

/// Reads one [pool.NAME].
class PoolReader {
public:
    PoolReader(TomlReader& reader, const toml::table& table) : reader_(reader), table_(table) {}

    PoolSettings read(std::string name, const toml::source_region& where)
    {
        pool_.name = std::move(name);
        judge_name(where);
        reader_.known_keys(table_, "pool." + pool_.name,
                           {"workers", "modules", "exec", "paths", "start", "environment"});
        workers();
        modules();
        reader_.flag(table_, "exec", pool_.exec);
        reader_.flag(table_, "paths", pool_.paths);
        start();
        environment();
        return std::move(pool_);
    }

private:
    void judge_name(const toml::source_region& where)
    {
        const std::string& name = pool_.name;
        const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
            return std::string_view{
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                       "._-"}
                       .find(c) != std::string_view::npos;
        });
        if (name.empty() || name.size() > limits::name || !plain) {
            reader_.complain(where, "pool name: want 1 to " + std::to_string(limits::name) +
                                        " letters, digits, dots, dashes and underscores");
        }
    }

    void workers()
    {
        const toml::node* node = table_.get("workers");
        if (node == nullptr) {
            return;
        }
        const auto* word = node->as_string();
        if (word != nullptr && word->get() == "cores") {
            return;
        }
        const auto* count = node->as_integer();
        if (count == nullptr || count->get() < 1 || count->get() > most_workers) {
            reader_.complain(node->source(), "workers: want \"cores\" or a number from 1 to " +
                                                 std::to_string(most_workers));
            return;
        }
        pool_.workers = static_cast<std::uint32_t>(count->get());
    }

    void start()
    {
        constexpr auto want = "\"fork\" or \"spawn\"";
        if (const auto* word = reader_.value<std::string>(table_, "start", want)) {
            if (word->get() != "fork" && word->get() != "spawn") {
                reader_.complain(word->source(), std::string{"start: want "} + want);
            }
            pool_.start =
                word->get() == "spawn" ? PoolSettings::Start::spawn : PoolSettings::Start::fork;
        }
    }

    void modules()
    {
        const toml::node* node = table_.get("modules");
        if (node == nullptr) {
            return;
        }
        const toml::array* list = node->as_array();
        if (list == nullptr) {
            reader_.complain(node->source(), "modules: want a list of paths");
            return;
        }
        for (const toml::node& item : *list) {
            const auto* path = item.as_string();
            if (path == nullptr || path->get().empty() || path->get().front() != '/') {
                reader_.complain(item.source(), "modules: want absolute paths");
                continue;
            }
            pool_.modules.push_back(path->get());
        }
    }

    void environment()
    {
        const toml::node* node = table_.get("environment");
        if (node == nullptr) {
            return;
        }
        const toml::table* entries = node->as_table();
        if (entries == nullptr) {
            reader_.complain(node->source(), "environment: want a table of texts");
            return;
        }
        for (const auto& [name, value] : *entries) {
            const auto* word = value.as_string();
            if (word == nullptr || name.str().find('=') != std::string_view::npos) {
                reader_.complain(value.source(), "environment: want names and texts");
                continue;
            }
            pool_.environment.emplace(name.str(), word->get());
        }
    }

    TomlReader& reader_;
    const toml::table& table_;
    PoolSettings pool_;
};

}  // namespace

std::vector<PoolSettings> read_pools(TomlReader& reader, const toml::table& root)
{
    std::vector<PoolSettings> pools;
    const toml::node* node = root.get("pool");
    if (node == nullptr) {
        return pools;
    }
    const toml::table* tables = node->as_table();
    if (tables == nullptr || tables->empty()) {
        reader.complain(node->source(), "pool: want tables such as [pool.default]");
        return pools;
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
            reader.complain(value.source(), "pool." + std::string{name->str()} + ": want a table");
            continue;
        }
        pools.push_back(PoolReader{reader, *table}.read(std::string{name->str()}, name->source()));
    }
    return pools;
}

}  // namespace jobmill::daemon
