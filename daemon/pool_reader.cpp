// SPDX-License-Identifier: MIT
#include "daemon/pool_reader.hpp"

#include <algorithm>
#include <map>

#include "common/cpu_list.hpp"
#include "common/limits.hpp"
#include "common/quantities.hpp"
#include "common/segment_layout.hpp"
#include "daemon/labels.hpp"
#include "daemon/python_reader.hpp"

namespace jobmill::daemon {
namespace {

constexpr std::int64_t most_workers = 1024;
constexpr std::int64_t most_weight = 1000;
/// Of one job and cause; beyond it, give up by hand.
constexpr std::int64_t most_retries = 1000;
constexpr std::int64_t longest_cpus = 128;
/// Of workers: less, and they would do little else than be replaced.
constexpr std::chrono::milliseconds least_age{100};
constexpr std::chrono::hours longest_backoff{24};
/// Twice as long as what is alive and waits may be silent: less would kill commands.
constexpr std::chrono::milliseconds least_hang_timeout{2 * heartbeat_ms};

/// Reads one [pool.NAME].
class PoolReader {
public:
    PoolReader(TomlReader& reader, const toml::table& table) : reader_(reader), table_(table) {}

    PoolSettings read(std::string name, const toml::source_region& where)
    {
        pool_.name = std::move(name);
        judge_name(where);
        reader_.known_keys(
            table_, "pool." + pool_.name,
            {"workers",       "modules",       "exec",          "paths",        "start",
             "environment",   "cgroup",        "min_workers",   "idle_timeout", "max_running",
             "weight",        "timeout",       "queue_timeout", "hang_timeout", "retry_crash",
             "retry_timeout", "retry_failure", "backoff",       "backoff_max",  "poison_after",
             "memory",        "cpu_time",      "file_size",     "open_files",   "processes",
             "nice",          "cpus",          "recycle_jobs",  "recycle_age",  "recycle_rss",
             "runtime",       "interpreter",   "preload",       "initializer",  "spin"});
        workers();
        elasticity();
        modules();
        reader_.flag(table_, "exec", pool_.exec);
        reader_.flag(table_, "paths", pool_.paths);
        start();
        read_python(reader_, table_, pool_);
        environment();
        cgroup();
        reader_.bound(table_, "max_running", pool_.max_running);
        reader_.number(table_, "weight", pool_.weight, most_weight);
        attempts();
        limits_of_jobs();
        recycling();
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

    void elasticity()
    {
        std::uint32_t least = 0;
        reader_.number(table_, "min_workers", least, most_workers);
        if (least > 0) {
            pool_.min_workers = least;
        }
        if (least > pool_.workers.value_or(most_workers)) {
            reader_.complain(table_.get("min_workers")->source(), "min_workers: more than workers");
        }
        reader_.duration(table_, "idle_timeout", pool_.idle_timeout, std::chrono::milliseconds{1});
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
            if (reader_.is_plain(*path, "modules")) {
                pool_.modules.push_back(path->get());
            }
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
            constexpr std::string_view never{"=\0", 2};
            if (word == nullptr || name.str().empty() ||
                name.str().find_first_of(never) != std::string_view::npos) {
                reader_.complain(value.source(), "environment: want names and texts");
                continue;
            }
            if (reader_.is_plain(*word, "environment")) {
                pool_.environment.emplace(name.str(), word->get());
            }
        }
    }

    void cgroup()
    {
        constexpr auto want = "\"auto\", \"off\" or \"require\"";
        const auto* word = reader_.value<std::string>(table_, "cgroup", want);
        if (word == nullptr) {
            return;
        }
        if (word->get() == "off") {
            pool_.cgroup = PoolSettings::Cgroup::off;
        } else if (word->get() == "require") {
            pool_.cgroup = PoolSettings::Cgroup::require;
        } else if (word->get() != "auto") {
            reader_.complain(word->source(), std::string{"cgroup: want "} + want);
        }
    }

    void attempts()
    {
        reader_.duration_or(table_, "timeout", "unlimited", pool_.timeout);
        reader_.duration_or(table_, "queue_timeout", "unlimited", pool_.queue_timeout);
        reader_.duration_or(table_, "hang_timeout", "none", pool_.hang_timeout);
        if (pool_.hang_timeout.value_or(least_hang_timeout) < least_hang_timeout) {
            reader_.complain(table_.get("hang_timeout")->source(),
                             "hang_timeout: want at least " + duration_text(least_hang_timeout) +
                                 ", or \"none\"");
        }
        reader_.number(table_, "retry_crash", pool_.retry_crash, most_retries, 0);
        reader_.number(table_, "retry_timeout", pool_.retry_timeout, most_retries, 0);
        reader_.number(table_, "retry_failure", pool_.retry_failure, most_retries, 0);
        reader_.number(table_, "poison_after", pool_.poison_after, most_retries);
        constexpr std::chrono::milliseconds least{1};
        reader_.duration(table_, "backoff", pool_.backoff, least, longest_backoff);
        reader_.duration(table_, "backoff_max", pool_.backoff_max, least, longest_backoff);
        if (pool_.backoff > pool_.backoff_max) {
            const bool told = table_.contains("backoff_max");
            reader_.complain(table_.get(told ? "backoff_max" : "backoff")->source(),
                             "backoff: more than backoff_max");
        }
    }

    void limits_of_jobs()
    {
        JobLimits& limits = pool_.limits;
        reader_.size_bound(table_, "memory", limits.memory);
        std::optional<std::chrono::milliseconds> cpu_time;
        reader_.duration_or(table_, "cpu_time", "unlimited", cpu_time);
        limits.cpu_ms = cpu_time ? static_cast<std::uint64_t>(cpu_time->count()) : unlimited;
        reader_.size_bound(table_, "file_size", limits.file_size);
        reader_.bound(table_, "open_files", limits.open_files);
        reader_.bound(table_, "processes", limits.processes);
        reader_.number(table_, "nice", limits.nice, 19, 0);
        cpus();
    }

    void cpus()
    {
        const auto* list = reader_.value<std::string>(table_, "cpus", "CPUs such as \"0,2-3\"");
        if (list == nullptr || list->get().empty()) {
            return;
        }
        if (list->get().size() > longest_cpus) {
            reader_.complain(list->source(),
                             "cpus: want at most " + std::to_string(longest_cpus) + " bytes");
        } else if (const auto cpus = parse_cpu_list(list->get())) {
            pool_.limits.cpus = *cpus;
        } else {
            reader_.complain(list->source(), "cpus: " + cpus.error().what);
        }
    }

    void recycling()
    {
        reader_.bound(table_, "recycle_jobs", pool_.recycle_jobs);
        reader_.duration_or(table_, "recycle_age", "unlimited", pool_.recycle_age);
        if (pool_.recycle_age.value_or(least_age) < least_age) {
            reader_.complain(table_.get("recycle_age")->source(),
                             "recycle_age: want at least " + duration_text(least_age));
        }
        reader_.size_bound(table_, "recycle_rss", pool_.recycle_rss);
        reader_.spin(table_, pool_.spin);
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

std::vector<LabelSettings> read_labels(TomlReader& reader, const toml::table& root)
{
    std::vector<LabelSettings> labels;
    const toml::node* node = root.get("label");
    if (node == nullptr) {
        return labels;
    }
    const toml::table* tables = node->as_table();
    if (tables == nullptr) {
        reader.complain(node->source(), "label: want tables such as [label.nightly]");
        return labels;
    }
    for (const auto& [name, value] : *tables) {
        const toml::table* table = value.as_table();
        LabelSettings label;
        label.name = name.str();
        if (table == nullptr) {
            reader.complain(value.source(), "label." + label.name + ": want a table");
            continue;
        }
        if (label.name.empty() || label.name.size() > limits::name) {
            reader.complain(name.source(),
                            "label name: want 1 to " + std::to_string(limits::name) + " bytes");
        }
        reader.known_keys(*table, "label." + label.name, {"max_running", "weight"});
        reader.bound(*table, "max_running", label.max_running);
        reader.number(*table, "weight", label.weight, most_weight);
        labels.push_back(std::move(label));
    }
    const auto with_rules = std::count_if(labels.begin(), labels.end(), Labels::are_rules);
    if (static_cast<std::size_t>(with_rules) > limits::labels) {
        reader.complain(node->source(), "label: want rules for at most " +
                                            std::to_string(limits::labels) + " labels, not " +
                                            std::to_string(with_rules));
    }
    return labels;
}

}  // namespace jobmill::daemon
